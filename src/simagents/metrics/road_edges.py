"""Signed distance from the edge of the road."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.metrics.boxes import outline
from simagents.metrics.concatenation import ends_of, shifted
from simagents.metrics.culling import first_nearest
from simagents.metrics.rounding import root
from simagents.scenarios.scenario import MapKind, Scenario

OFFROAD_DISTANCE = 0.0
INVALID = -1e10
_STRETCH = 3.0  # heights count threefold, so that a bridge's edge is not taken for the street's
_STEEP = 1e30  # a wall; not infinite, since a point that does not move climbs nowhere
_CLOSED = 1.0  # m²: a polyline whose ends are closer than this is a ring


@dataclass(frozen=True, eq=False)
class RoadEdges:
    """Every segment of every road edge, scene by scene in the order of the map (m, world frame).

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: boundaries and medians alike,
    polylines of fewer than two points left out.
    """

    segment: Float32[Tensor, "7 N"]
    """x, y, z of the start, then of the way from start to end, then its squared length in the
    plan view, or infinity where that is zero"""
    slope: Float32[Tensor, "2 N"]
    """metres that the segment climbs or falls, by the metre and in all"""
    prior: Int64[Tensor, "N"]
    """the segment before on the same polyline, or the segment itself where there is none"""
    following: Int64[Tensor, "N"]
    first: Int64[Tensor, "B"]
    """where the segments of each scene begin, and those of the last one end"""

    @classmethod
    def of(cls, scenario: Scenario) -> "RoadEdges":
        """The road edges of a map, of which there is one at least.

        The official code makes polylines equally long with padding and takes the last *padded*
        segment for the one before the first. Hence only rings with as many points as the longest
        polyline are rings to it; all others behave at their seam as if they were open.
        """
        rows = (scenario.map_kind == MapKind.ROAD_EDGE).nonzero()[0]
        lines = [scenario.polyline(row) for row in rows.tolist()]
        lines = [line for line in lines if len(line) >= 2]
        longest = max(len(line) for line in lines)
        segments = [np.concatenate([line[:-1], line[1:] - line[:-1]], axis=1) for line in lines]
        table = torch.from_numpy(np.concatenate(segments)).T
        square = table[3] * table[3] + table[4] * table[4]
        climb = table[5].abs()
        slope = torch.stack([(climb / square.sqrt()).nan_to_num(posinf=_STEEP), climb])
        prior, following = np.arange(len(square)) - 1, np.arange(len(square)) + 1
        end = 0
        for line in lines:
            start, end = end, end + len(line) - 1
            ring = len(line) == longest and ((line[0] - line[-1]) ** 2).sum() < _CLOSED
            prior[start] = end - 1 if ring else start
            following[end - 1] = start if ring else end - 1
        return cls(
            torch.cat([table, square.where(square > 0, torch.inf)[None]]),
            slope,
            torch.from_numpy(prior),
            torch.from_numpy(following),
            torch.tensor([0, end]),
        )

    @classmethod
    def join(cls, parts: Sequence["RoadEdges"]) -> "RoadEdges":
        """The road edges of several scenes, in order."""
        sizes = [part.segment.shape[1] for part in parts]
        return cls(
            torch.cat([part.segment for part in parts], dim=1),
            torch.cat([part.slope for part in parts], dim=1),
            shifted([part.prior for part in parts], sizes),
            shifted([part.following for part in parts], sizes),
            ends_of([part.first for part in parts]),
        )

    def square(
        self, points: Float32[Tensor, "3 n"], row: Int64[Tensor, "K n"]
    ) -> Float32[Tensor, "K n"]:
        """Square of the distance in metres by which the nearest segment is chosen.

        Heights count threefold. The foot is where the plan view is nearest, its height is
        interpolated along the segment.
        """
        x, y, z = self._from_foot(points, row)[0]
        return x * x + y * y + (z * _STRETCH) ** 2

    def wobble(
        self, half: Float32[Tensor, "3 n"], row: Int64[Tensor, "K n"]
    ) -> Float32[Tensor, "K n"]:
        """How much the distance changes within a box: the foot's height moves with the plan."""
        plan = torch.hypot(half[0], half[1])
        slope, climb = self._rows(self.slope, row)
        rise = torch.minimum(slope * plan, climb)
        return torch.hypot(plan, _STRETCH * half[2]) + _STRETCH * rise

    def signed_distance(
        self, points: Float32[Tensor, "3 Q"], scene: Int64[Tensor, "Q"], *, budget: int
    ) -> Float32[Tensor, "Q"]:
        """Plan-view distance in metres from the scene's nearest edge, positive off the road.

        Travelling along an edge has the road on the left. Beyond the end of a segment its neighbour
        has a say: at a convex corner either of them suffices for being off the road, at a concave
        one both are needed.
        """
        row = first_nearest(points, scene, self, budget=budget)
        (x, y, _), t = self._from_foot(points, row)
        side = self._side(points, row)
        before = t < 0
        other = torch.where(before, self.prior[row], self.following[row])
        convex = self._turns_left(row.where(~before, other), other.where(~before, row))
        sides = side, self._side(points, other)
        corner = torch.where(convex, torch.maximum(*sides), torch.minimum(*sides))
        return root(x * x + y * y) * corner.where(before | (t > 1), side)

    @staticmethod
    def _rows(table: Float32[Tensor, "c N"], row: Int64[Tensor, "*P"]) -> Float32[Tensor, "c *P"]:
        return table.index_select(1, row.flatten()).view(-1, *row.shape)

    def _from_foot(self, points: Tensor, row: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Way from the nearest place on the segment to the point, and its unclamped parameter."""
        sx, sy, sz, ux, uy, uz, square = self._rows(self.segment, row)
        x, y, z = points[0] - sx, points[1] - sy, points[2] - sz
        t = (x * ux + y * uy) / square
        part = t.clamp(0, 1)
        return (x - ux * part, y - uy * part, z - uz * part), t

    def _side(self, points: Tensor, row: Tensor) -> Tensor:
        """-1 to the left of a segment's line, 1 to the right, 0 on it."""
        sx, sy, _, ux, uy = self._rows(self.segment[:5], row)
        return ((points[0] - sx) * uy - (points[1] - sy) * ux).sign()

    def _turns_left(self, a: Tensor, b: Tensor) -> Tensor:
        """Whether segment `b` points to the left of segment `a`."""
        ax, ay = self._rows(self.segment[3:5], a)
        bx, by = self._rows(self.segment[3:5], b)
        return ax * by - ay * bx > 0


def distance_to_road_edge(
    edges: RoadEdges,
    poses: Float32[Tensor, "4 E R T"],
    size: Float32[Tensor, "E 3"],
    scene: Int64[Tensor, "E"],
    valid: Bool[Tensor, "E T"] | None = None,
    *,
    budget: int,
) -> Float32[Tensor, "E R T"]:
    """Signed distance in metres of each box's outermost bottom corner; positive is off the road.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. Boxes have sharp corners here.
    -1e10 where an agent is not `valid`. `poses`: x, y, z, heading of centres in the world frame;
    `scene` is the number of each agent's scene.
    """
    x, y, z, heading = poses
    length, width, height = size[:, :, None, None].unbind(1)
    corners = outline(x, y, heading, length, width)
    bottom = (z - height / 2).expand(4, *x.shape)
    points = torch.stack([corners[:, 0], corners[:, 1], bottom]).flatten(1)
    scenes = scene[:, None, None].expand(bottom.shape).flatten()
    distance = edges.signed_distance(points, scenes, budget=budget).view(bottom.shape).amax(dim=0)
    return distance if valid is None else distance.where(valid[:, None], INVALID)
