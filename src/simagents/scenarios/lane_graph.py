"""Where lanes lead: ways through a scenario's lane graph from where a vehicle is."""

from collections.abc import Iterable, Iterator, Mapping
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
BACK = np.pi * 5 / 6
"""Radians: a way that turns more goes back."""
ROUND = 12.0
"""Metres within which a vehicle turns round: about three lanes, or the turning circle of a car."""


@dataclass(frozen=True, eq=False)
class Way:
    """A way of some length along centre lines, from the place nearest to a vehicle."""

    lanes: tuple[int, ...]
    """rows of map features, each an exit of the one before, or the lane beside it on which it turns round"""
    points: Float64[np.ndarray, "n 2"]
    """metres in the world frame, `SPACING` apart up to the last, which ends the way"""
    turn: float
    """radians from the vehicle's heading to the way's last direction, positive to the left, in [-π, π]"""


class LaneGraph:
    """Lanes by their rows of the map, with the lanes that they lead into."""

    def __init__(
        self, lines: Mapping[int, Float64[np.ndarray, "_ 2"]], exits: Iterable[tuple[int, int]]
    ):
        """Centre lines (m) by lane, and pairs of lanes of which the second continues the first.

        Lines without a direction are left out, with their exits.
        """
        moving = {lane: distinct(line) for lane, line in lines.items()}
        self.lines = {lane: line for lane, line in moving.items() if len(line) > 1}
        # Most lanes are far away, which the box around them shows faster than their points do.
        self.low = {lane: line.min(axis=0) - ON_LANE for lane, line in self.lines.items()}
        self.high = {lane: line.max(axis=0) + ON_LANE for lane, line in self.lines.items()}
        self.exits: dict[int, list[int]] = {lane: [] for lane in self.lines}
        for lane, following in exits:
            if lane in self.exits and following in self.exits:
                self.exits[lane].append(following)

    @staticmethod
    def of(scenario: Scenario) -> "LaneGraph":
        """The lanes of a scenario that vehicles drive on, in the world frame."""
        lanes = np.flatnonzero(scenario.map_kind == MapKind.LANE)
        lanes = lanes[scenario.map_type[lanes] != LaneType.BIKE_LANE]
        row = {int(scenario.map_id[lane]): int(lane) for lane in lanes}
        return LaneGraph(
            {int(lane): scenario.polyline(lane)[:, :2].astype(np.float64) for lane in lanes},
            (
                (row[a], row[b])
                for kind, a, b in scenario.link.tolist()
                if kind == LinkKind.EXIT and a in row and b in row
            ),
        )

    def under(
        self, position: Float64[np.ndarray, "2"], heading: float
    ) -> Iterator[tuple[int, float, float]]:
        """Lanes that an agent at this pose is on and along, metres along each, and metres from it."""
        for lane, line in self.lines.items():
            if (position < self.low[lane]).any() or (position > self.high[lane]).any():
                continue
            place, away, direction = nearest_place(line, position)
            if away <= ON_LANE and abs(_turn(heading, direction)) <= ALONG:
                yield lane, place, away

    def ways(
        self, position: Float64[np.ndarray, "2"], heading: float, length: float
    ) -> Iterator[Way]:
        """All ways of that length (m) from the lanes that a vehicle at this pose is on.

        In the order of the map's features and of their links. Ways that end before are left out,
        and no way uses a lane twice.
        """
        for lane, place, _ in self.under(position, heading):
            rest = _from(self.lines[lane], place)
            yield from self._onwards((lane,), rest, heading, length)

    def ways_back(
        self, position: Float64[np.ndarray, "2"], heading: float, length: float
    ) -> Iterator[Way]:
        """The same for a vehicle that turns round at the next place where lanes part.

        Lane graphs seldom have lanes for U-turns. So these ways lead from the end of the last
        lane before they part straight over to the nearest lane that begins there in the opposite
        direction, to the left and at most `ROUND` away.
        """
        for lane, place, _ in self.under(position, heading):
            lanes, line = (lane,), _from(self.lines[lane], place)
            while len(self.exits[lanes[-1]]) == 1 and self.exits[lanes[-1]][0] not in lanes:
                lanes = (*lanes, self.exits[lanes[-1]][0])
                line = _joined(line, self.lines[lanes[-1]])
            if arc_lengths(line)[-1] >= length or len(self.exits[lanes[-1]]) < 2:
                continue
            opposite = self._opposite(line)
            if opposite is not None and opposite not in lanes:
                joined = _joined(line, self.lines[opposite])
                yield from self._onwards((*lanes, opposite), joined, heading, length)

    def _opposite(self, line: np.ndarray) -> int | None:
        """The nearest lane that begins to the left of a line's end and leads back."""
        ahead = _direction(line[-2:])
        near = {}
        for lane, other in self.lines.items():
            gap = other[0] - line[-1]
            away = float(np.linalg.norm(gap))
            beside = float(-np.sin(ahead) * gap[0] + np.cos(ahead) * gap[1])
            # Beside rather than ahead, where the lane of a left turn or of another arm may begin.
            turn = _turn(ahead, _direction(other[:2]))
            if away / np.sqrt(2) < beside <= ROUND and abs(turn) > BACK:
                near[lane] = away
        return min(near, key=lambda lane: near[lane], default=None)

    def _onwards(
        self, lanes: tuple[int, ...], line: np.ndarray, heading: float, length: float
    ) -> Iterator[Way]:
        along = arc_lengths(line)
        if along[-1] >= length:
            at = np.append(np.arange(0.0, length, SPACING), length)
            points = np.column_stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)])
            segment = min(max(int(np.searchsorted(along, length)), 1), len(line) - 1)
            last = _direction(line[segment - 1 : segment + 1])
            yield Way(lanes, points, _turn(heading, last))
            return
        for lane in self.exits[lanes[-1]]:
            if lane not in lanes:
                longer = _joined(line, self.lines[lane])
                yield from self._onwards((*lanes, lane), longer, heading, length)


def distinct(line: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "_ 2"]:
    """Without points that repeat the one before, from which no direction follows."""
    return line[np.append(True, np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6)[: len(line)]]


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


def _joined(line: np.ndarray, following: np.ndarray) -> np.ndarray:
    """A line and the one after it, which may begin where it ends."""
    return distinct(np.concatenate([line, following]))


def _direction(pair: np.ndarray) -> float:
    """Radians from the first to the second of two points."""
    step = pair[1] - pair[0]
    return float(np.arctan2(step[1], step[0]))


def _turn(before: float, after: float) -> float:
    """From one heading to the other; without the geometry of tensors, so that figures may use it."""
    return float(np.arctan2(np.sin(after - before), np.cos(after - before)))


def _from(line: np.ndarray, place: float) -> np.ndarray:
    """The rest of a line from so many metres along it, a last millimetre at least, which has its direction."""
    along = arc_lengths(line)
    place = max(0.0, min(place, along[-1] - 1e-3))
    start = [np.interp(place, along, line[:, axis]) for axis in (0, 1)]
    return np.concatenate([[start], line[along > place + 1e-6]])
