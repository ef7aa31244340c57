"""Where agents should arrive: the end of their log, or of another manoeuvre."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from simagents.config.goals import GoalKind
from simagents.counter import key_of, uniform
from simagents.scenarios.lane_graph import LaneGraph, Way
from simagents.scenarios.roles import may_have_goal
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS, AgentType, Scenario

SPEEDS = (0.7, 1.0, 1.3)
"""Mean speeds on the way to an alternative goal, over the vehicle's current one."""
APART = 5.0
"""Metres that the way to an alternative goal keeps from the log's end, and its end from the log."""


def goals_of(scenario: Scenario, kind: GoalKind, seed: int = 0) -> Float64[np.ndarray, "N 2"]:
    """Goals of the simulated agents, metres in the world frame; NaN for those without one.

    The SDC and the agents to predict may have one. `log`: the last valid position of the log.
    `alternative`: the end of one of `alternatives`, drawn by (seed, scenario, agent) with equal
    chances; none where there is none.
    """
    goals = np.full((len(scenario.simulated), 2), np.nan)
    graph = LaneGraph.of(scenario) if kind == "alternative" else None
    for place in np.flatnonzero(may_have_goal(scenario)):
        row = int(scenario.simulated[place])
        if kind == "log":
            goals[place] = log_end(scenario, row)
        elif ways := list(alternatives(scenario, row, graph)):
            agent = int(scenario.agent_id[row]) % 2**64
            drawn = uniform(seed, key_of(scenario.id), key_of("goal"), agent)
            goals[place] = ways[int(drawn * len(ways))].points[-1]
    return goals


def log_end(scenario: Scenario, row: int) -> Float64[np.ndarray, "2"]:
    """The last valid position of an agent's log, metres in the world frame."""
    last = np.flatnonzero(scenario.valid[row])[-1]
    return scenario.position[row, last, :2].astype(np.float64)


def alternatives(scenario: Scenario, row: int, graph: LaneGraph) -> Iterator[Way]:
    """Ways on which a vehicle would do something else than its log, by lanes and then by length.

    They start on the lanes that it is on, have the length that it covers in the simulated 8 s at 0.7,
    1 or 1.3 times its current speed, and end at different places. All of a way is at least 5 m from
    the end of the log, and its end from all of the log: so the log's own way is no alternative, neither
    faster nor slower, and nor is the lane beside it, or the place where a vehicle stands. Other classes
    than vehicles, and vehicles that are on no lane, have none.

    The benchmark of RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033, Table S.5) has such goals without
    saying how they are found. That they are ends of lane-graph paths, reachable at the current speed
    ± 30 % and 5 m from the log's end, is our choice.
    """
    if scenario.agent_type[row] != AgentType.VEHICLE:
        return
    speed = float(np.linalg.norm(scenario.velocity[row, CURRENT]))
    start = scenario.position[row, CURRENT, :2].astype(np.float64)
    heading, seen = float(scenario.heading[row, CURRENT]), set()
    later = np.flatnonzero(scenario.valid[row, CURRENT:]) + CURRENT
    log = scenario.position[row, later, :2].astype(np.float64)
    for factor in SPEEDS:
        for way in graph.ways(start, heading, factor * speed * SIMULATED * STEP_SECONDS):
            goal = way.points[-1]
            place = tuple(goal.round(1).tolist())
            if place not in seen and _apart(way.points, log[-1]) and _apart(log, goal):
                seen.add(place)
                yield way


def _apart(path: Float64[np.ndarray, "n 2"], place: Float64[np.ndarray, "2"]) -> bool:
    return bool(np.linalg.norm(path - place, axis=1).min() >= APART)
