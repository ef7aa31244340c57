"""Red lights by hand, and the two errors of the official nearest lane."""

import pytest
import torch

from simagents.metrics.concatenation import Pairs
from simagents.metrics.culling import first_nearest
from simagents.metrics.red_lights import RedLights, traffic_light_violation
from simagents.scenarios.scenario import LaneType, LightState

EAST = ((-100.0, 0.0, 0.0), (200.0, 0.0, 0.0))


def violations(scenario, valid=None):
    """Of the logged agents, as (agent, simulated step) pairs."""
    position = torch.from_numpy(scenario.position)
    lights = RedLights.of(scenario)
    found = traffic_light_violation(
        lights,
        position[:, None, 10:, :2].permute(3, 0, 1, 2),
        Pairs.of(torch.ones(len(position), len(lights.lane)).bool()),
        torch.zeros(len(position), dtype=torch.int64),
        valid,
        budget=1 << 16,
    )
    return found[:, 0].nonzero().tolist()


def test_by_hand(street):
    """At a metre per step the car is at 50 m at step 50 and passes 50.5 m at step 51, the 41st
    simulated one. At 10.5 m it passes in the first simulated step, coming from the log."""
    assert violations(street(stop=50.5)) == [[0, 40]]
    assert violations(street(stop=10.5)) == [[0, 0]]
    assert violations(street(stop=9.5)) == []
    assert violations(street(stop=90.5)) == []


@pytest.mark.parametrize("state", list(LightState))
def test_only_steady_red_forbids(street, state):
    red = state in (LightState.STOP, LightState.ARROW_STOP)
    assert bool(violations(street(stop=50.5, state=state))) == red


def test_standing_on_the_stop_point_is_not_ahead_of_it(street):
    """At 50 m exactly at step 50: neither behind nor ahead, so nothing is passed at all."""
    assert violations(street(stop=50.0)) == []


def test_invalid_steps_do_not_count(street):
    valid = torch.ones(1, 80).bool()
    valid[0, 40] = False
    assert violations(street(stop=50.5), valid) == []


def test_only_surface_streets_have_lights(street):
    scenario = street(stop=50.5)
    scenario.map_type[0] = LaneType.FREEWAY
    assert violations(scenario) == []
    assert violations(street()) == []


def test_every_agent_type_is_seen(street):
    scenario = street(start=((0, 0), (5, 1)), speed=(10, 10), types=(1, 2), stop=50.5)
    assert violations(scenario) == [[0, 40], [1, 35]]


def test_an_unlisted_light_stops_at_the_origin(street):
    """Unlisted, then red from step 50: behind the stop point of the step before is what counts."""
    scenario = street(start=((-60, 0),), stop=-9.5)
    scenario.light_state[0, :50] = LightState.UNLISTED
    scenario.light_stop[0, :50] = 0
    assert violations(scenario) == [[0, 40]]
    scenario.light_stop[0, 50:] = -30.5  # at step 51 the car is at -9 m, behind the origin at 50
    assert violations(scenario) == [[0, 39]]


def test_the_way_to_the_foot_is_added(street):
    """From (3, 1) the foot on a segment of 10 m is 3 m from its start: the distance is that of
    (3 + 3, 1), and behind the start it is the true one."""
    lanes = RedLights.of(street(lanes=(((0, 0, 0), (10, 0, 0)),))).lanes
    points = torch.tensor([[3.0, -3.0, 13.0], [1.0, 4.0, 0.0]])
    found = lanes.square(points, torch.zeros(1, 3, dtype=torch.int64))
    assert found[0].sqrt().tolist() == pytest.approx([37**0.5, 5.0, 23.0])


def test_the_sign_error_loses_the_lane(street):
    """On one segment of 300 m the car seems 300 m away; a lane of short ones 40 m aside wins."""
    aside = tuple((float(x), 40.0, 0.0) for x in range(-100, 200, 2))
    assert violations(street(stop=50.5, lanes=(EAST, aside))) == []


def test_shorter_lanes_end_in_a_segment_to_the_origin(street):
    long = ((0.0, 9.0, 0.0), (5.0, 9.0, 0.0), (9.0, 9.0, 0.0))
    lanes = RedLights.of(street(lanes=(EAST, long))).lanes
    assert lanes.segment.T.tolist() == [
        [-100.0, 0.0, 300.0, 0.0],
        [200.0, 0.0, -200.0, 0.0],
        [0.0, 9.0, 5.0, 0.0],
        [5.0, 9.0, 4.0, 0.0],
    ]
    assert lanes.lane.tolist() == [0, 0, 1, 1]


def test_culling_loses_no_lane(street):
    generator = torch.manual_seed(0)
    shape = torch.randn(20, 30, 3, generator=generator).cumsum(1) * 3
    lines = shape + torch.randn(20, 1, 3, generator=generator) * 100 + 2000
    lanes = RedLights.of(street(lanes=[line[: 10 + i].tolist() for i, line in enumerate(lines)]))
    points = torch.randn(2, 300, generator=generator) * 150 + 2000
    lanes = lanes.lanes
    every = torch.arange(len(lanes.lane))[:, None].expand(-1, 300)
    measured = lanes.square(points, every).double().sqrt().float()
    found = first_nearest(points, torch.zeros(300, dtype=torch.int64), lanes, budget=1000)
    assert torch.equal(found, measured.argmin(dim=0))
