"""Signed distance from the edge of the road."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.errors import InputError
from simagents.geometry import box_corners
from simagents.metrics.culling import first_nearest
from simagents.metrics.rounding import root
from simagents.scenarios.scenario import MapKind, Scenario

OFFROAD_DISTANCE = 0.0
INVALID = -1e10
_STRETCH = 3.0  # heights count threefold, so that a bridge's edge is not taken for the street's
_CLOSED = 1.0  # m²: a polyline whose ends are closer than this is a ring


@dataclass(frozen=True, eq=False)
class RoadEdges:
    """Every segment of every road edge, in the order of the map, in the world frame (m).

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: boundaries and medians alike,
    polylines of fewer than two points left out.
    """

    segment: Float32[Tensor, "6 S"]
    """x, y, z of the start, then of the way from start to end"""
    prior: Int64[Tensor, "S"]
    """the segment before on the same polyline, or the segment itself where there is none"""
    following: Int64[Tensor, "S"]

    @classmethod
    def of(cls, scenario: Scenario, device: torch.device | str = "cpu") -> "RoadEdges":
        """The road edges of a map.

        The official code makes polylines equally long with padding and takes the last *padded*
        segment for the one before the first. Hence only rings with as many points as the longest
        polyline are rings to it; all others behave at their seam as if they were open.
        """
        rows = (scenario.map_kind == MapKind.ROAD_EDGE).nonzero()[0]
        lines = [torch.tensor(scenario.polyline(row)) for row in rows.tolist()]
        lines = [line for line in lines if len(line) >= 2]
        if not lines:
            raise InputError(
                f"scenario {scenario.id} has no road edge, so the metric is not defined on it;"
                " leave it out."
            )
        longest = max(len(line) for line in lines)
        segments, prior, following, first = [], [], [], 0
        for line in lines:
            segments.append(torch.cat([line[:-1], line[1:] - line[:-1]], dim=1))
            last = first + len(line) - 2
            row = torch.arange(first, last + 1)
            ring = len(line) == longest and bool(((line[0] - line[-1]) ** 2).sum() < _CLOSED)
            prior.append((row - 1).clamp(min=first))
            following.append((row + 1).clamp(max=last))
            if ring:
                prior[-1][0], following[-1][-1] = last, first
            first = last + 1
        table = torch.cat(segments).T.contiguous()
        return cls(table.to(device), torch.cat(prior).to(device), torch.cat(following).to(device))

    def __len__(self) -> int:
        return self.segment.shape[1]

    def distance(
        self, points: Float32[Tensor, "3 P"], row: Int64[Tensor, "P"]
    ) -> Float32[Tensor, "P"]:
        """Distance in metres by which the nearest segment is chosen: heights count threefold.

        The foot is where the plan view is nearest, its height is interpolated along the segment.
        """
        x, y, z = self._from_foot(points, row)[0]
        return root(x * x + y * y + (z * _STRETCH) ** 2)

    def wobble(self, half: Float32[Tensor, "3 P"], row: Int64[Tensor, "P"]) -> Float32[Tensor, "P"]:
        """How much `distance` changes within a box: the foot's height moves with the plan view."""
        plan = torch.hypot(half[0], half[1])
        dx, dy, climb = self.segment[3:].index_select(1, row).abs()
        slope = climb / torch.hypot(dx, dy)
        rise = torch.minimum((slope * plan).nan_to_num(torch.inf), climb)
        return torch.hypot(plan, _STRETCH * half[2]) + _STRETCH * rise

    def signed_distance(
        self, points: Float32[Tensor, "3 Q"], *, budget: int
    ) -> Float32[Tensor, "Q"]:
        """Plan-view distance in metres from the nearest edge, positive off the road.

        Travelling along an edge has the road on the left. Beyond the end of a segment its neighbour
        has a say: at a convex corner either of them suffices for being off the road, at a concave
        one both are needed.
        """
        row = first_nearest(points, self, budget=budget)
        (x, y, _), t = self._from_foot(points, row)
        side = self._side(points, row)
        before = self._corner(points, side, self.prior[row], row, self.prior[row])
        after = self._corner(points, side, row, self.following[row], self.following[row])
        side = torch.where(t < 0, before, torch.where(t > 1, after, side))
        return root(x * x + y * y) * side

    def _from_foot(self, points: Tensor, row: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Way from the nearest place on the segment to the point, and its unclamped parameter."""
        sx, sy, sz, ux, uy, uz = self.segment.index_select(1, row)
        x, y, z = points[0] - sx, points[1] - sy, points[2] - sz
        square = ux * ux + uy * uy
        t = torch.where(square > 0, (x * ux + y * uy) / square, 0)
        part = t.clamp(0, 1)
        return (x - ux * part, y - uy * part, z - uz * part), t

    def _side(self, points: Tensor, row: Tensor) -> Tensor:
        """-1 to the left of a segment's line, 1 to the right, 0 on it."""
        sx, sy, _, ux, uy, _ = self.segment.index_select(1, row)
        return ((points[0] - sx) * uy - (points[1] - sy) * ux).sign()

    def _corner(self, points: Tensor, side: Tensor, a: Tensor, b: Tensor, other: Tensor) -> Tensor:
        """Side of the corner where segment `b` follows `a`; `other` is the one not yet asked."""
        ax, ay = self.segment[3:5].index_select(1, a)
        bx, by = self.segment[3:5].index_select(1, b)
        both = side, self._side(points, other)
        return torch.where(ax * by - ay * bx > 0, torch.maximum(*both), torch.minimum(*both))


def distance_to_road_edge(
    edges: RoadEdges,
    poses: Float32[Tensor, "4 R E T"],
    size: Float32[Tensor, "E 3"],
    valid: Bool[Tensor, "E T"],
    *,
    budget: int,
) -> Float32[Tensor, "R E T"]:
    """Signed distance in metres of each box's outermost bottom corner; positive is off the road.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. Boxes have sharp corners here.
    -1e10 where an agent is invalid. `poses`: x, y, z, heading of centres in the world frame.
    """
    x, y, z, heading = poses
    length, width, height = (size[:, None, axis] for axis in range(3))
    corners = box_corners(torch.stack([x, y, heading], dim=-1), length, width)
    bottom = (z - height / 2)[..., None].expand(corners.shape[:-1])
    points = torch.stack([corners[..., 0], corners[..., 1], bottom]).flatten(1)
    distance = edges.signed_distance(points, budget=budget)
    return distance.view(corners.shape[:-1]).amax(dim=-1).where(valid, INVALID)
