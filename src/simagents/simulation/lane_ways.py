"""The ways that agents take along centre lines, one drawn for every world."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.models.scenes import MapBatch
from simagents.scenarios.lane_graph import LaneGraph, arc_lengths, distinct
from simagents.scenarios.scenario import LaneType, LightState, LinkKind, MapKind

SPACING = 2.0
"""Metres between the points of a way."""
_RED = (LightState.ARROW_STOP, LightState.STOP)  # a flashing red light may be passed


@dataclass(frozen=True, eq=False)
class Ways:
    """K ways as M points each, `SPACING` apart, from the place on a lane where an agent is."""

    points: Float[Tensor, "K M 2"]
    """metres in the scene's frame"""
    direction: Float[Tensor, "K M 2"]
    """unit vectors along the way"""
    red: Float[Tensor, "K L"]
    """metres along the way to where lanes with a red light begin, ascending; infinite where there are no more"""


class Lanes:
    """The lane graph of one scene of a batch."""

    def __init__(self, map_batch: MapBatch, scene: int):
        mine = (map_batch.scene == scene) & (map_batch.kind == MapKind.LANE)
        lanes = torch.nonzero(mine).squeeze(-1).tolist()
        start = torch.bincount(map_batch.polyline, minlength=len(map_batch.scene)).cumsum(0)
        ends = [0, *start.tolist()]
        points = map_batch.point[:, :2].double().cpu().numpy()
        self.graph = LaneGraph(
            {lane: points[ends[lane] : ends[lane + 1]] for lane in lanes},
            ((a, b) for kind, a, b in map_batch.link.tolist() if kind == LinkKind.EXIT),
        )
        self.bike = {lane for lane in lanes if map_batch.type[lane] == LaneType.BIKE_LANE}
        self.red = {lane for lane in lanes if int(map_batch.light[lane]) in _RED}

    def lane_of(
        self, position: np.ndarray, heading: float, may_use_bike_lanes: bool
    ) -> tuple[int, float] | None:
        """The nearest lane that an agent at this pose is on and along, and metres along it; or None."""
        found = (
            (away, lane, place)
            for lane, place, away in self.graph.under(position, heading)
            if may_use_bike_lanes or lane not in self.bike
        )
        nearest = min(found, default=None, key=lambda each: each[0])
        return nearest and nearest[1:]

    def follow(
        self, lane: int, place: float, length: float, choose: Callable[[int, int], int]
    ) -> tuple[int, ...]:
        """Lanes of a way of about that length. `choose(fork, exits)` is the number of the exit at
        each fork, forks counted along the way; a way ends where no lane leads on."""
        lanes, gone, fork = [lane], arc_lengths(self.graph.lines[lane])[-1] - place, 0
        while gone < length and (exits := self.graph.exits[lanes[-1]]):
            following = exits[0]
            if len(exits) > 1:
                following = exits[choose(fork, len(exits))]
                fork += 1
            lanes.append(following)
            gone += arc_lengths(self.graph.lines[following])[-1]
        return tuple(lanes)

    def way(
        self, lanes: tuple[int, ...], place: float, length: float
    ) -> tuple[np.ndarray, np.ndarray, list[float]]:
        """Points and directions of a way that goes straight on where its lanes end, and metres to its
        red lights."""
        line = distinct(np.concatenate([self.graph.lines[lane] for lane in lanes]))
        along = arc_lengths(line) - place
        last = line[-1] - line[-2]
        line = np.vstack([line, line[-1] + last / np.linalg.norm(last) * (length + SPACING)])
        along = np.append(along, along[-1] + length + SPACING)
        at = np.arange(0.0, length, SPACING)
        points = np.column_stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)])
        segment = np.diff(line, axis=0)
        segment /= np.linalg.norm(segment, axis=1, keepdims=True)
        number = (np.searchsorted(along, at, side="right") - 1).clip(0, len(segment) - 1)
        begins = (
            np.cumsum([0, *(arc_lengths(self.graph.lines[lane])[-1] for lane in lanes)]) - place
        )
        red = [begins[n] for n, lane in enumerate(lanes) if n and lane in self.red]
        return points, segment[number], red


def stacked(ways: list[tuple[np.ndarray, np.ndarray, list[float]]]) -> Ways:
    """Ways of equal numbers of points."""
    lights = max([len(red) for _, _, red in ways], default=0)
    red = np.full((len(ways), max(lights, 1)), np.inf)
    for number, (_, _, places) in enumerate(ways):
        red[number, : len(places)] = places
    points, direction = (np.stack([way[part] for way in ways]) for part in (0, 1))
    return Ways(*(torch.from_numpy(each).float() for each in (points, direction, red)))


def place_on(
    ways: Ways, way: Int64[Tensor, "n"], metres: Float[Tensor, "n"]
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n"]]:
    """Place and heading after so many metres of each way, linear between its points."""
    at = (metres / SPACING).clamp(0, ways.points.shape[1] - 1.001)
    before = at.long()
    share = (at - before)[:, None]
    place, direction = (
        torch.lerp(table[way, before], table[way, before + 1], share)
        for table in (ways.points, ways.direction)
    )
    return place, torch.atan2(direction[:, 1], direction[:, 0])
