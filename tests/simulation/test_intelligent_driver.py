"""The intelligent-driver model, by hand and on streets."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import torch

from simagents.errors import InputError
from simagents.models.scenes import collate
from simagents.scenarios.scenario import AgentType, LightState
from simagents.simulation.controller import Assignment
from simagents.simulation.intelligent_driver import (
    DESIRED,
    HARDEST,
    IntelligentDriver,
    idm_acceleration,
)
from simagents.simulation.rules import LogPlayback
from simagents.simulation.simulator import simulate

EAST = ((-100.0, 0.0, 0.0), (200.0, 0.0, 0.0))


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.fixture
def driven(street):
    """Paths [R, A, 80, 4] of agents that drive east, and the speeds of each step; `logged` rows replay."""

    def run(start, speed, rollouts=1, logged=(), seed=0, change=lambda scenario: scenario, **keys):
        keys.setdefault("types", (AgentType.VEHICLE,) * len(start))
        keys.setdefault("lanes", (EAST,))
        scenario = street(start=start, speed=speed, **keys)
        velocity = np.zeros_like(scenario.velocity)
        velocity[:, :, 0] = np.array(speed, np.float32)[:, None]
        scenes = collate([change(replace(scenario, velocity=velocity))], with_map=True)
        replayed = torch.zeros(len(start), dtype=torch.bool)
        replayed[list(logged)] = True
        parts = [
            Assignment(IntelligentDriver(seed), ~replayed), Assignment(LogPlayback(), replayed),
        ]  # fmt: skip
        (paths,) = simulate(scenes, rollouts, parts)
        return paths

    return run


def test_acceleration_by_hand():
    """On a free road at half the desired speed: 1 - 1/16. Behind a leader 20 m ahead at equal speeds of
    10 m/s and v0 = 15: s* = 2 + 10 = 12, so 1 - (2/3)⁴ - (12/20)². Approaching at 5 m/s:
    s* = 12 + 10 · 5 / (2 √1.5). Where the formula says less than -8 m/s², -8."""
    free = idm_acceleration(tensor(7.5), tensor(15), tensor(float("inf")), tensor(0))
    assert free.item() == pytest.approx(15 / 16)
    steady = idm_acceleration(tensor(10), tensor(15), tensor(20), tensor(0))
    assert steady.item() == pytest.approx(1 - (2 / 3) ** 4 - 0.36)
    near = idm_acceleration(tensor(10), tensor(15), tensor(40), tensor(5))
    wanted = 12 + 50 / (2 * sqrt(1.5))
    assert near.item() == pytest.approx(1 - (2 / 3) ** 4 - (wanted / 40) ** 2)
    assert idm_acceleration(tensor(10), tensor(15), tensor(0.5), tensor(10)).item() == -HARDEST


def test_the_gap_of_equilibrium():
    """At v = 10 and v0 = 15 the acceleration is zero at (2 + 10) / √(1 - (2/3)⁴) = 13.4 m."""
    gap = 12 / sqrt(1 - (2 / 3) ** 4)
    assert idm_acceleration(tensor(10), tensor(15), tensor(gap), tensor(0)).item() == pytest.approx(
        0, abs=1e-9
    )


def test_a_follower_settles_behind_its_leader(driven):
    """The log's leader keeps 10 m/s, 4 m long like its follower: 13.4 + 4 m apart nothing changes; from 30 m
    the gap closes steadily, by half of the way or more in 8 s."""
    paths = driven(((0, 0), (30, 0)), (10, 10), logged=(1,))
    gap = paths[0, 1, :, 0] - paths[0, 0, :, 0]
    assert (gap.diff() < 0.01).all()
    assert 17.4 < gap[-1] < 23.7
    closer = driven(((0, 0), (17.4, 0)), (10, 10), logged=(1,))
    assert (closer[0, 1, -1, 0] - closer[0, 0, -1, 0]).item() == pytest.approx(17.4, abs=0.3)


def test_a_vehicle_stops_before_a_red_light_and_drives_at_green(driven):
    """The lane with the light begins at x = 60 m. At red the front, 2 m ahead of the centre, stays
    before it, and the vehicle stands within 3 m of it; at green it passes."""
    lanes = (((60.0, 0.0, 0.0), (200.0, 0.0, 0.0)), ((-100.0, 0.0, 0.0), (60.0, 0.0, 0.0)))

    def linked(scenario):  # the second lane leads into the first, which has the light
        return replace(scenario, link=np.array([[0, 501, 500]]))

    ends = {}
    for state in (LightState.STOP, LightState.GO):
        paths = driven(((0, 0),), (10,), change=linked, lanes=lanes, stop=60.0, state=state)
        ends[state] = paths[0, 0, :, 0]
    assert ends[LightState.STOP].max() + 2 < 60
    assert ends[LightState.STOP][-1] > 55
    assert ends[LightState.GO][-1] > 90


def test_nobody_reverses_or_drives_into_a_queue(driven):
    """Twelve metres before a vehicle that stands, at 10 m/s, is too near for comfort: the brakes' limit of 8 m/s²
    stops within 100 / 16 = 6.3 m and half a second's delay."""
    paths = driven(((0, 0), (24, 0)), (10, 0), logged=(1,))
    east = paths[0, 0, :, 0]
    assert (east.diff() >= -1e-4).all()
    assert east[-1] + 2 <= 24 - 2


def test_pedestrians_and_agents_beside_every_lane_keep_their_velocity(driven):
    """The third drives 5 m beside the lane."""
    types = (AgentType.VEHICLE, AgentType.PEDESTRIAN, AgentType.VEHICLE)
    paths = driven(((0, 0), (50, 0), (0, 5)), (10, 1.5, 8), types=types)
    assert paths[0, 1, -1, 0] == pytest.approx(50 + 9 * 1.5, abs=1e-3)
    assert paths[0, 2, -1, :2].tolist() == pytest.approx([9 * 8, 5], abs=1e-3)


def test_a_free_road_leads_to_the_desired_speed_and_onto_the_lane(driven):
    """From 1 m beside the lane and 12 m/s: faster, not above 15 m/s, and on the line after 10 m."""
    paths = driven(((0, 1.0),), (12,))
    speed = paths[0, 0, :, 0].diff() / 0.1
    assert (speed[1:] >= 11.9).all()
    assert speed[-1] > 14
    assert speed.max() < DESIRED
    assert paths[0, 0, 0, 1] > 0.85
    assert abs(paths[0, 0, -1, 1]) < 1e-4


def test_worlds_draw_their_own_branches(driven):
    """Two lanes lead on from x = 30 m, to the left and to the right: 16 worlds take both, and the
    same seed the same ones."""
    lanes = (
        ((-100.0, 0.0, 0.0), (30.0, 0.0, 0.0)),
        ((30.0, 0.0, 0.0), (60.0, 20.0, 0.0), (200.0, 40.0, 0.0)),
        ((30.0, 0.0, 0.0), (60.0, -20.0, 0.0), (200.0, -40.0, 0.0)),
    )

    def forked(scenario):
        return replace(scenario, link=np.array([[0, 500, 501], [0, 500, 502]]))

    north = [
        driven(((0, 0),), (10,), rollouts=16, change=forked, lanes=lanes, seed=seed)[:, 0, -1, 1]
        for seed in (1, 1, 2)
    ]
    assert (north[0] > 5).any()
    assert (north[0] < -5).any()
    assert torch.equal(north[0], north[1])
    assert not torch.equal(north[0], north[2])


def test_scenes_without_maps_are_refused(street):
    scenes = collate([street()])
    with pytest.raises(InputError, match="with their maps"):
        simulate(scenes, 1, [Assignment(IntelligentDriver(), torch.ones(1, dtype=torch.bool))])
