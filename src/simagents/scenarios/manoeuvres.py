"""Two manoeuvres that one vehicle of a scene could do: what a figure of goals shows."""

import numpy as np
from jaxtyping import Float64

from simagents.scenarios.lane_graph import BACK, LaneGraph, Way
from simagents.scenarios.roles import may_have_goal
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS, AgentType, Scenario

STRAIGHT = np.pi / 6
"""Radians: ways that turn less go straight on."""
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
    graph as long as 8 s at the current speed, the first of each kind, whatever the log does. Where no
    lane leads back, a U-turn is over to the opposite lane (`LaneGraph.ways_back`), for a vehicle so near
    the junction that its goal is then behind it.
    """
    graph, found = LaneGraph.of(scenario), []
    for row in map(int, scenario.simulated[may_have_goal(scenario)]):
        if scenario.agent_type[row] != AgentType.VEHICLE:
            continue
        goals: Manoeuvres = {}
        length = float(np.linalg.norm(scenario.velocity[row, CURRENT])) * SIMULATED * STEP_SECONDS
        start = scenario.position[row, CURRENT, :2].astype(np.float64)
        heading = float(scenario.heading[row, CURRENT])
        for way in graph.ways(start, heading, length):
            goals.setdefault(name_of(way), way.points[-1])
        for way in graph.ways_back(start, heading, length):
            behind = (way.points[-1] - start) @ (np.cos(heading), np.sin(heading)) < 0
            if behind and name_of(way) == "U-turn":
                goals.setdefault("U-turn", way.points[-1])
        found += [(PAIRS.index(pair), row, goals) for pair in PAIRS if set(pair) <= set(goals)][:1]
    if not found:
        return None
    best, row, goals = min(found, key=lambda each: each[0])
    return row, {name: goals[name] for name in PAIRS[best]}
