"""Which scenarios the realism metric can score: facts of the log and the map alone.

The metric refuses what `undefined` names. Where `unscorable` names something else, a likelihood is
NaN by the official definition, and NaN is no reward.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from simagents.scenarios.scenario import CURRENT, AgentType, MapKind, Scenario

NO_EDGE = "has no road edge of two points or more"
UNSEEN = "evaluates an agent that is not valid at the current step"
NO_VEHICLE = "evaluates no vehicle that is valid after the current step"
NO_ACCELERATION = "evaluates no agent that is valid long enough for an acceleration"


def undefined(scenario: Scenario) -> str:
    """Why the metric is not defined on a scenario, as what the scenario does; else empty.

    Waymo Open Sim Agents Challenge 2025: the official evaluator 1.6.7 fails on these.
    """
    edge = scenario.map_kind == MapKind.ROAD_EDGE
    if not (edge & (np.diff(scenario.map_start) >= 2)).any():
        return NO_EDGE
    if not scenario.valid[scenario.evaluated, CURRENT].all():
        return UNSEEN
    return ""


def unscorable(scenario: Scenario) -> str:
    """Why a scenario has no meta-metric, as `undefined`, or because a likelihood is NaN; else empty.

    A likelihood is a mean over the evaluated agents' valid steps, and some features need more than
    one: the time to collision a vehicle, an acceleration three valid steps, each 0.2 s after the
    last, in the future.
    """
    if reason := undefined(scenario):
        return reason
    rows = scenario.evaluated
    future = scenario.valid[rows, CURRENT + 1 :]
    if not future[scenario.agent_type[rows] == AgentType.VEHICLE].any():
        return NO_VEHICLE
    if not (future[:, :-4] & future[:, 2:-2] & future[:, 4:]).any():
        return NO_ACCELERATION
    return ""


def told(reasons: Iterable[str], scenarios: int, noun: str) -> str:
    """How many of so many scenarios cannot be scored and why: the beginning of a sentence."""
    counts = Counter(reasons)
    listed = ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))
    return f"{counts.total()} of {scenarios} {noun} cannot be scored ({listed})"
