"""Where lanes lead: ways through a scenario's lane graph from where a vehicle is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from simagents.scenarios.scenario import LaneType, LinkKind, MapKind, Scenario

ON_LANE = 2.0
"""Metres from a lane's centre line within which a vehicle is on it: about half a lane's width."""
ALONG = np.pi / 4
"""Largest angle between a vehicle's heading and the direction of a lane that it is on."""
SPACING = 1.0
"""Metres between the points of a way."""


@dataclass(frozen=True, eq=False)
class Way:
    """A way of some length along centre lines, from the place nearest to a vehicle."""

    lanes: tuple[int, ...]
    """rows of map features, each an exit of the one before"""
    points: Float64[np.ndarray, "n 2"]
    """metres in the world frame, `SPACING` apart up to the last, which ends the way"""
    turn: float
    """radians from the vehicle's heading to the way's last direction, positive to the left, in [-π, π]"""


class LaneGraph:
    """The lanes of a scenario that vehicles drive on, with the lanes that they lead into."""

    def __init__(self, scenario: Scenario):
        lanes = np.flatnonzero(scenario.map_kind == MapKind.LANE)
        driven = scenario.map_type[lanes] != LaneType.BIKE_LANE
        self.lines = {
            int(lane): scenario.polyline(lane)[:, :2].astype(np.float64) for lane in lanes[driven]
        }
        self.lines = {lane: line for lane, line in self.lines.items() if len(line) > 1}
        # Most lanes are far away, which the box around them shows faster than their points do.
        self.low = {lane: line.min(axis=0) - ON_LANE for lane, line in self.lines.items()}
        self.high = {lane: line.max(axis=0) + ON_LANE for lane, line in self.lines.items()}
        row = {int(scenario.map_id[lane]): lane for lane in self.lines}
        self.exits: dict[int, list[int]] = {lane: [] for lane in self.lines}
        for kind, a, b in scenario.link.tolist():
            if kind == LinkKind.EXIT and a in row and b in row:
                self.exits[row[a]].append(row[b])

    def ways(
        self, position: Float64[np.ndarray, "2"], heading: float, length: float
    ) -> Iterator[Way]:
        """All ways of that length (m) from the lanes that a vehicle at this pose is on.

        In the order of the map's features and of their links. Ways that end before are left out,
        and no way uses a lane twice.
        """
        for lane, line in self.lines.items():
            if (position < self.low[lane]).any() or (position > self.high[lane]).any():
                continue
            place, offset, direction = nearest_place(line, position)
            if offset <= ON_LANE and abs(_turn(heading, direction)) <= ALONG:
                yield from self._onwards((lane,), _from(line, place), heading, length)

    def _onwards(
        self, lanes: tuple[int, ...], line: np.ndarray, heading: float, length: float
    ) -> Iterator[Way]:
        along = arc_lengths(line)
        if along[-1] >= length:
            at = np.append(np.arange(0.0, length, SPACING), length)
            points = np.column_stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)])
            segment = min(int(np.searchsorted(along, length)), len(line) - 1)
            last = line[segment] - line[segment - 1]
            yield Way(lanes, points, _turn(heading, float(np.arctan2(last[1], last[0]))))
            return
        for lane in self.exits[lanes[-1]]:
            if lane not in lanes:
                # A lane begins where the one before it ends.
                longer = np.concatenate([line, self.lines[lane]])
                moved = np.append(True, np.linalg.norm(np.diff(longer, axis=0), axis=1) > 1e-6)
                yield from self._onwards((*lanes, lane), longer[moved], heading, length)


def arc_lengths(line: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
    """Metres along a line from its first point to every point."""
    return np.append(0.0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum())


def nearest_place(
    line: Float64[np.ndarray, "n 2"], position: Float64[np.ndarray, "2"]
) -> tuple[float, float, float]:
    """Where a line passes nearest to a position: metres along it, metres away, direction (rad)."""
    step = np.diff(line, axis=0)
    squared = (step**2).sum(axis=1)
    share = ((position - line[:-1]) * step).sum(axis=1) / np.maximum(squared, 1e-12)
    share = share.clip(0, 1)
    away = np.linalg.norm(line[:-1] + share[:, None] * step - position, axis=1)
    near = int(away.argmin())
    place = arc_lengths(line)[near] + share[near] * np.sqrt(squared[near])
    return float(place), float(away[near]), float(np.arctan2(step[near, 1], step[near, 0]))


def _turn(before: float, after: float) -> float:
    """From one heading to the other; without the geometry of tensors, so that figures may use it."""
    return float(np.arctan2(np.sin(after - before), np.cos(after - before)))


def _from(line: np.ndarray, place: float) -> np.ndarray:
    """The rest of a line from so many metres along it."""
    along = arc_lengths(line)
    start = [np.interp(place, along, line[:, axis]) for axis in (0, 1)]
    return np.concatenate([[start], line[along > place + 1e-6]])
