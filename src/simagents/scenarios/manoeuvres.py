"""Two manoeuvres that one vehicle of a scene could do: what a figure of goals shows."""

import numpy as np
from jaxtyping import Float64

from simagents.scenarios.lane_graph import LaneGraph, Way
from simagents.scenarios.roles import may_have_goal
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS, AgentType, Scenario

STRAIGHT, BACK = np.pi / 6, np.pi * 5 / 6
"""Radians: ways that turn less go straight on, ways that turn more go back."""
PAIRS = (
    ("left turn", "U-turn"),
    ("left turn", "right turn"),
    ("left turn", "straight on"),
    ("straight on", "right turn"),
)
"""What is shown, in the order of preference: that of Fig. 3b of RLFTSim (arXiv:2605.19033) first."""

Manoeuvres = dict[str, Float64[np.ndarray, "2"]]
"""Goals (m, world frame) by the names of manoeuvres."""


def name_of(way: Way) -> str:
    """What it is to drive that way."""
    if abs(way.turn) < STRAIGHT:
        return "straight on"
    if abs(way.turn) > BACK:
        return "U-turn"
    return "left turn" if way.turn > 0 else "right turn"


def shown(scenario: Scenario) -> tuple[int, Manoeuvres] | None:
    """The vehicle with the best pair of PAIRS, by its row, and the pair's goals; None without a pair.

    Of vehicles that may have goals, the first with that pair. Goals are ends of ways through the lane
    graph as long as 8 s at the current speed, the first of each kind, whatever the log does.
    """
    graph, found = LaneGraph(scenario), []
    for row in map(int, scenario.simulated[may_have_goal(scenario)]):
        if scenario.agent_type[row] != AgentType.VEHICLE:
            continue
        goals: Manoeuvres = {}
        length = float(np.linalg.norm(scenario.velocity[row, CURRENT])) * SIMULATED * STEP_SECONDS
        start = scenario.position[row, CURRENT, :2].astype(np.float64)
        for way in graph.ways(start, float(scenario.heading[row, CURRENT]), length):
            goals.setdefault(name_of(way), way.points[-1])
        found += [(PAIRS.index(pair), row, goals) for pair in PAIRS if set(pair) <= set(goals)][:1]
    if not found:
        return None
    best, row, goals = min(found, key=lambda each: each[0])
    return row, {name: goals[name] for name in PAIRS[best]}
