"""Scenarios are the same every time, obey the schema, and show traffic that knows the rules."""

from dataclasses import fields
from itertools import combinations, pairwise

import numpy as np
import pytest

from simagents.scenarios.scenario import AgentType, LaneType, LightState, LinkKind, MapKind
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.synthetic.templates import TEMPLATES

INDICES = range(60)
LEGAL = {
    # state: what may come after it, besides itself
    LightState.GO: LightState.CAUTION,
    LightState.CAUTION: LightState.STOP,
    LightState.STOP: LightState.GO,
    LightState.ARROW_GO: LightState.ARROW_CAUTION,
    LightState.ARROW_CAUTION: LightState.ARROW_STOP,
    LightState.ARROW_STOP: LightState.ARROW_GO,
}


@pytest.fixture(scope="module")
def scenarios():
    drawn = [generate_scenario(1, index) for index in INDICES]
    return drawn + [generate_scenario(2, i, template) for template in TEMPLATES for i in range(3)]


def motor(scenario):
    return np.flatnonzero(scenario.agent_type == AgentType.VEHICLE)


def boxes(plane, scenario, step):
    """Corners [A, T / step, 4, 2] and validity of all agents at every `step`-th step."""
    xy = scenario.position[:, ::step, :2].astype(np.float64)
    length, width = (np.repeat(scenario.size[:, i, None], xy.shape[1], 1) for i in (0, 1))
    return plane.corners(xy, scenario.heading[:, ::step], length, width), scenario.valid[:, ::step]


def test_same_numbers_same_scenario():
    one, other = generate_scenario(4, 9), generate_scenario(4, 9)
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    assert generate_scenario(4, 10).id != one.id != generate_scenario(5, 9).id


def test_agents(scenarios):
    for s in scenarios:
        count = len(s.agent_id)
        assert 8 <= count <= 60
        assert len(set(s.agent_id.tolist())) == count
        assert s.agent_type[s.sdc] == AgentType.VEHICLE
        assert s.valid[s.sdc].all()
        assert s.valid.any(axis=1).all()
        assert s.to_predict.sum() <= 8
        assert s.valid[s.to_predict, 10].all()
        assert s.of_interest.sum() in (0, 2)
        for array in (s.position, s.heading, s.velocity, s.size, s.map_point):
            assert np.isfinite(array).all()
        for array in (s.position, s.heading, s.velocity):
            assert not array[~s.valid].any()
    assert np.mean([len(s.agent_id) for s in scenarios]) == pytest.approx(25, abs=5)
    kinds = np.concatenate([s.agent_type for s in scenarios])
    assert {1, 2, 3} == set(kinds.tolist())


def test_some_appear_late_and_some_vanish(scenarios):
    late = np.concatenate([~s.valid[:, 0] for s in scenarios]).mean()
    gone = np.concatenate([~s.valid[:, -1] for s in scenarios]).mean()
    assert 0.05 < late < 0.5
    assert 0.05 < gone < 0.5


def test_map(scenarios):
    for s in scenarios:
        ids, kind = (
            s.map_id.tolist(),
            dict(zip(s.map_id.tolist(), s.map_kind.tolist(), strict=True)),
        )
        assert len(set(ids)) == len(ids)
        row = {id_: i for i, id_ in enumerate(ids)}
        assert {MapKind.LANE, MapKind.ROAD_LINE, MapKind.ROAD_EDGE} <= set(kind.values())
        for link, a, b in s.link.tolist():
            assert kind[b] == MapKind.LANE
            assert kind[a] == (MapKind.STOP_SIGN if link == LinkKind.STOPS else MapKind.LANE)
            if link == LinkKind.EXIT:
                np.testing.assert_array_equal(s.polyline(row[a])[-1], s.polyline(row[b])[0])
        for f, k in enumerate(s.map_kind):
            if k in (MapKind.LANE, MapKind.ROAD_LINE, MapKind.ROAD_EDGE):
                step = np.linalg.norm(np.diff(s.polyline(f), axis=0), axis=1)
                assert step.max() <= 2.5
                assert len(step) >= 1
        assert 400 < len(s.map_point) < 8000


def test_lights_cycle(scenarios):
    seen = 0
    for s in scenarios:
        lane_ids = set(s.map_id[s.map_kind == MapKind.LANE].tolist())
        for lane, states, stops in zip(s.light_lane, s.light_state, s.light_stop, strict=True):
            assert int(lane) in lane_ids
            for before, after in pairwise(states):
                assert after in (before, LEGAL[before])
            start = s.polyline(int(np.flatnonzero(s.map_id == lane)[0]))[0]
            np.testing.assert_array_equal(stops, np.broadcast_to(start, stops.shape))
            seen += len(set(states.tolist())) > 1
    assert seen > 10


def test_motion_is_what_a_body_can_do(scenarios):
    for s in scenarios:
        speed = np.linalg.norm(s.velocity, axis=-1)
        both = s.valid[:, 1:] & s.valid[:, :-1]
        step = np.diff(s.position[..., :2].astype(np.float64), axis=1)
        moved = np.linalg.norm(step, axis=-1) / 0.1
        # Velocity is what positions say; float32 at kilometres leaves 0.5 mm, 0.01 m/s.
        assert np.abs(moved - (speed[:, 1:] + speed[:, :-1]) / 2)[both].max() < 0.6
        rows = motor(s)
        gain = (np.diff(speed, axis=1) / 0.1)[rows][both[rows]]
        assert speed[rows].max() < 32
        assert gain.min() > -9
        assert gain.max() < 6
        turn = np.diff(s.heading, axis=1)
        turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)[rows][both[rows]] / 0.1
        assert turn.max() < 1.5
        # Vehicles go where they point: they never slide sideways.
        heading = s.heading[:, :-1]
        slide = np.abs(step[..., 1] * np.cos(heading) - step[..., 0] * np.sin(heading)) / 0.1
        assert (slide[rows] < 0.25 + 0.12 * speed[rows, 1:])[both[rows]].mean() > 0.999


def test_logged_collisions_are_rare(scenarios, plane):
    """At most 1 agent in 300."""
    hit = total = 0
    for s in scenarios:
        box, valid = boxes(plane, s, 2)
        a, b = np.array(list(combinations(range(len(s.agent_id)), 2))).T
        gap = np.linalg.norm(s.position[a, ::2, :2] - s.position[b, ::2, :2], axis=-1)
        pair, step = np.nonzero(valid[a] & valid[b] & (gap < 12))
        touched = plane.overlap(box[a[pair], step], box[b[pair], step])
        hit += len(set(a[pair[touched]]) | set(b[pair[touched]]))
        total += len(s.agent_id)
    assert hit / total < 1 / 300


def test_logged_vehicles_stay_on_the_road(scenarios, plane):
    """Of those that move, at most 1 in 300 ever leaves it; some stand in driveways."""
    off = total = 0
    for s in scenarios[::2]:
        edges = [
            s.polyline(f)[:, :2].astype(float)
            for f in np.flatnonzero(s.map_kind == MapKind.ROAD_EDGE)
        ]
        box, valid = boxes(plane, s, 6)
        moves = np.linalg.norm(s.velocity, axis=-1).max(axis=1) > 0.3
        for row in motor(s):
            if moves[row]:
                total += 1
                off += bool((plane.off_road(box[row][valid[row]].reshape(-1, 2), edges) > 0).any())
    assert off / total < 1 / 300


def test_red_lights_are_obeyed(scenarios):
    """At most 1 vehicle in 300 passes within 1.2 m of the stop point, in its direction, at red."""
    ran = total = 0
    for s in scenarios:
        total += len(motor(s))
        for lane, states in zip(s.light_lane, s.light_state, strict=True):
            feature = int(np.flatnonzero(s.map_id == lane)[0])
            assert s.map_type[feature] == LaneType.SURFACE_STREET
            start, second = s.polyline(feature)[:2, :2].astype(np.float64)
            ahead = (second - start) / np.linalg.norm(second - start)
            off = s.position[..., :2] - start
            along, aside = off @ ahead, np.abs(off @ np.array([-ahead[1], ahead[0]]))
            red = np.isin(states, (LightState.STOP, LightState.ARROW_STOP))
            facing = np.cos(s.heading - np.arctan2(ahead[1], ahead[0])) > 0.7
            passed = (along[:, :-1] < 0) & (along[:, 1:] > 0) & (aside[:, 1:] < 1.2)
            passed &= s.valid[:, 1:] & s.valid[:, :-1] & red[1:] & facing[:, 1:]
            ran += passed[motor(s)].any(axis=1).sum()
    assert ran / total < 1 / 300


def test_many_stand_and_some_hurry(scenarios):
    speed = np.concatenate([np.linalg.norm(s.velocity, axis=-1)[s.valid] for s in scenarios])
    assert 0.35 < (speed < 0.3).mean() < 0.75
    assert 9 < np.percentile(speed, 92) < 16
