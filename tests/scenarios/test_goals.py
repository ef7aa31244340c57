"""Goals of scenarios: ends of logs, and ends of other ways through the lane graph."""

from dataclasses import replace

import numpy as np
import pytest

from simagents.scenarios.goals import APART, SPEEDS, alternatives, goals_of, log_end
from simagents.scenarios.lane_graph import LaneGraph, nearest_place
from simagents.scenarios.manoeuvres import shown
from simagents.scenarios.roles import may_have_goal
from simagents.scenarios.scenario import CURRENT, AgentType, LinkKind
from simagents.scenarios.womd.decode import read_scenarios

APPROACH = tuple((x, 0.0, 0.0) for x in range(-100, 31, 5))
AHEAD = tuple((x, 0.0, 0.0) for x in range(30, 201, 5))
LEFT = (*((30.0, 0.0, 0.0), (34.0, 0.0, 0.0)), *((34.0, y, 0.0) for y in range(4, 151, 4)))


@pytest.fixture
def fork(street):
    """At 10 m/s east, now 10 m before the origin's 30 m mark: straight on, as the log, or left at x = 34."""
    scenario = street(start=((0.0, 0.0),), speed=(10.0,), lanes=(APPROACH, AHEAD, LEFT))
    links = [(LinkKind.EXIT, 500, 501), (LinkKind.EXIT, 500, 502)]
    velocity = np.full_like(scenario.velocity, 0.0)
    velocity[..., 0] = 10.0
    return replace(scenario, link=np.array(links), velocity=velocity)


def test_the_goal_of_the_log_is_its_last_valid_position(fork):
    """After 9 s at 10 m/s: x = 90; where the log ends after 5 s: 50."""
    assert goals_of(fork, "log").tolist() == [[90.0, 0.0]]
    valid = fork.valid.copy()
    valid[0, 51:] = False
    assert goals_of(replace(fork, valid=valid), "log").tolist() == [[50.0, 0.0]]


def test_the_alternative_of_going_straight_on_is_the_turn_by_hand(fork):
    """From x = 10 at 7, 10 and 13 m/s for 8 s: 56, 80 and 104 m, of which 20 m are ahead of the fork, 4 m
    east to the corner, and the rest, 32, 56 and 80 m, north of (34, 0)."""
    ways = list(alternatives(fork, 0, LaneGraph.of(fork)))
    assert [way.lanes for way in ways] == [(0, 2)] * 3
    ends = np.stack([way.points[-1] for way in ways])
    assert np.allclose(ends, [[34, 32], [34, 56], [34, 80]])
    assert np.allclose([way.turn for way in ways], np.pi / 2)
    goal = goals_of(fork, "alternative")[0]
    assert any(np.allclose(goal, end) for end in ends)


def test_alternatives_are_drawn_by_seed_and_scenario(fork):
    drawn = {tuple(goals_of(fork, "alternative", seed)[0].round(3)) for seed in range(20)}
    assert len(drawn) == 3
    assert np.array_equal(goals_of(fork, "alternative", 5), goals_of(fork, "alternative", 5))
    renamed = {
        tuple(goals_of(replace(fork, id=str(name)), "alternative")[0].round(3))
        for name in range(20)
    }
    assert renamed == drawn


@pytest.mark.parametrize(
    ("change", "value"),
    [("agent_type", np.array([AgentType.PEDESTRIAN], np.uint8)), ("velocity", np.zeros((1, 91, 2), np.float32))],
)  # fmt: skip
def test_who_walks_and_who_stands_has_no_alternative(fork, change, value):
    assert np.isnan(goals_of(replace(fork, **{change: value}), "alternative")).all()


def test_a_vehicle_off_the_lanes_or_against_them_has_no_alternative(fork):
    beside = replace(fork, position=fork.position + np.array([0, 3, 0], np.float32))
    against = replace(fork, heading=np.full_like(fork.heading, np.pi))
    for scenario in (beside, against):
        assert np.isnan(goals_of(scenario, "alternative")).all()


def test_only_who_is_scored_has_goals(street):
    scenario = street(
        start=((0.0, 0.0), (20.0, 0.0)), speed=(10.0, 5.0), types=(AgentType.VEHICLE,) * 2
    )
    scenario = replace(scenario, to_predict=np.array([False, False]))
    assert may_have_goal(scenario).tolist() == [True, False]
    assert np.isnan(goals_of(scenario, "log")).any(axis=1).tolist() == [False, True]


def test_alternatives_of_synthetic_scenes_keep_their_rules(scenarios):
    """Drivable in 8 s at 0.7 to 1.3 times the current speed, along exits, and never near the log's end."""
    found = 0
    for scenario in scenarios:
        graph = LaneGraph.of(scenario)
        for row in scenario.evaluated:
            speed = np.linalg.norm(scenario.velocity[row, CURRENT])
            for way in alternatives(scenario, int(row), graph):
                found += 1
                lengths = np.linalg.norm(np.diff(way.points, axis=0), axis=1).sum() / (8 * speed)
                assert np.isclose(lengths, SPEEDS, rtol=0.02).any()  # chords cut corners
                away = np.linalg.norm(way.points - log_end(scenario, int(row)), axis=1)
                assert away.min() >= APART
                assert all(
                    b in graph.exits[a] for a, b in zip(way.lanes, way.lanes[1:], strict=False)
                )
                assert nearest_place(graph.lines[way.lanes[-1]], way.points[-1])[1] < 1e-6
    assert found > 5


def test_a_vehicle_turns_round_where_lanes_part_by_hand(street):
    """From x = 10, 20 m to the fork at x = 30, 4 m over, and the last 56 of 80 m west, at y = 4. The lane that
    begins 20 m further on, those of its own direction, and those to the right or far away lead elsewhere."""
    west = tuple((x, 4.0, 0.0) for x in range(30, -91, -5))
    others = [
        tuple((x + 20.0, 4.0, 0.0) for x, _, _ in west),
        tuple((x, -4.0, 0.0) for x, _, _ in west),
        tuple((x, 20.0, 0.0) for x, _, _ in west),
        tuple((x, 3.0, 0.0) for x in range(30, 201, 5)),
    ]
    scenario = street(
        start=((0.0, 0.0),), speed=(10.0,), lanes=(APPROACH, AHEAD, LEFT, west, *others)
    )
    graph = LaneGraph.of(replace(scenario, link=np.array([(LinkKind.EXIT, 500, 501)])))
    start = np.array([10.0, 0.0])
    assert list(graph.ways_back(start, 0.0, 80.0)) == []  # the one lane ahead is no junction
    links = [(LinkKind.EXIT, 500, 501), (LinkKind.EXIT, 500, 502)]
    graph = LaneGraph.of(replace(scenario, link=np.array(links)))
    (way,) = graph.ways_back(start, 0.0, 80.0)
    assert way.lanes == (0, 3)
    assert np.allclose(way.points[-1], [-26.0, 4.0])
    assert way.turn == pytest.approx(np.pi)


@pytest.mark.parametrize("beyond", [0.0, 1.5])
def test_a_vehicle_at_or_just_past_the_end_of_its_lane_goes_on(street, beyond):
    """20 m further are ahead or round the corner, and none further is where it stands."""
    west = tuple((x, 4.0, 0.0) for x in range(30, -91, -5))
    doubled = (*APPROACH, APPROACH[-1])  # a last point twice has no direction
    scenario = street(lanes=(doubled, AHEAD, LEFT, west))
    links = [(LinkKind.EXIT, 500, 501), (LinkKind.EXIT, 500, 502)]
    graph = LaneGraph.of(replace(scenario, link=np.array(links)))
    start = np.array([30.0 + beyond, 0.0])
    ends = {
        tuple(way.points[-1].round(2)) for way in graph.ways(start, 0.0, 20.0) if way.lanes[0] == 0
    }
    assert ends == {(50.0, 0.0), (34.0, 16.0)}
    (back,) = (way for way in graph.ways_back(start, 0.0, 20.0) if way.lanes[0] == 0)
    assert np.allclose(back.points[-1], [14.0, 4.0], atol=0.01)
    for way in graph.ways(start, 0.0, 0.0):
        assert way.turn == 0.0


def test_every_vehicle_of_real_scenes_has_its_ways(womd):
    """Wherever it is on its lane, at whatever speed."""
    for scenario in (
        each for path in sorted(womd.glob("*.tfrecord-*")) for each in read_scenarios(path)
    ):
        shown(scenario)
        goals_of(scenario, "alternative")
        graph = LaneGraph.of(scenario)
        for row in scenario.simulated:
            at = scenario.position[row, CURRENT, :2].astype(np.float64)
            for length in (0.0, 40.0):
                heading = float(scenario.heading[row, CURRENT])
                for way in (
                    *graph.ways(at, heading, length),
                    *graph.ways_back(at, heading, length),
                ):
                    assert np.isfinite(way.points).all()
