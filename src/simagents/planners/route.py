"""The route of the SDC: where its log leads, without saying when."""

import numpy as np
from jaxtyping import Float64

from simagents.scenarios.lane_graph import SPACING, arc_lengths
from simagents.scenarios.scenario import Scenario

_SHORTEST = 1e-3
"""Metres of the last segment; float32 would make a shorter one nothing, which has no direction."""
BEHIND = 20.0
"""Metres that a route goes on straight before the log's first place."""
APART = 1.0
"""Metres between places of the log that count: a vehicle that stands trembles in its log."""


def route_of(scenario: Scenario, ahead: float) -> Float64[np.ndarray, "n 2"]:
    """Points of the SDC's route, metres in the world frame, `SPACING` apart.

    All that the log drives, and then straight on for `ahead` metres in the direction that the log
    ends with; the same backwards at its beginning. So progress is not limited by how far the log came, and
    the distance from the route is lateral everywhere. Where the log stands still all of the route is
    one straight line.
    """
    seen = np.flatnonzero(scenario.valid[scenario.sdc])
    place = scenario.position[scenario.sdc, seen, :2].astype(np.float64)
    heading = scenario.heading[scenario.sdc, seen].astype(np.float64)
    first, last = (np.array([np.cos(angle), np.sin(angle)]) for angle in (heading[0], heading[-1]))
    kept = [place[0]]
    for point in place[1:]:
        if np.linalg.norm(point - kept[-1]) >= APART:
            kept.append(point)
    line = np.array([kept[0] - BEHIND * first, *kept, kept[-1] + ahead * last])
    along = arc_lengths(line)
    at = np.append(np.arange(0.0, along[-1] - _SHORTEST, SPACING), along[-1])
    return np.column_stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)])
