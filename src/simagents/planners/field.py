"""Grids around routes, from which a look-ahead reads the road's edge and the route."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from scipy.spatial import cKDTree
from torch import Tensor

from simagents.models.tensors import Tensors
from simagents.planners.surroundings import Surroundings

CELL = 0.5
"""Metres between the points of a grid."""
WITHIN = 20.0
"""Metres from the route within which the road's edge is known. Places beyond are off the road."""
FAR = 100.0
_SLACK = 0.75 * CELL
"""More than a value can change between a grid's point and any place that is nearest to it (m)."""
_BUDGET = 1 << 20


@dataclass(frozen=True, eq=False)
class Field(Tensors):
    """Grids of S scenes. Of each point: signed distance from the road's edge (m, positive off the road;
    that of the official metric at the height of the SDC's wheels), and the segment of the route that is nearest.

    Between points the distance is interpolated bilinearly. Along a straight edge that is exact;
    at the inner corner of an edge it is wrong by at most CELL / √2 = 0.35 m, and by less than 1 cm along curves
    of more than 10 m radius. The route is read from the nearest point's segment, whose line goes on
    beyond its ends: the distance from it is wrong by up to 3 cm at a radius of 10 m, progress by up to half a
    metre inside of sharp bends, where neighbouring segments share places.
    """

    origin: Float32[Tensor, "S 2"]
    """of each grid in its scene's frame (m)"""
    width: int
    """points in a line along x; all grids have one size"""
    height: int
    distance: Float32[Tensor, "P"]
    segment: Int64[Tensor, "P"]
    """row of `route`"""
    route: Float32[Tensor, "5 R"]
    """of each segment: x, y of its start in the grid's frame, direction, metres from the route's begin"""

    @staticmethod
    def of(scenes: Sequence[Surroundings]) -> "Field":
        """One grid for each scene, as large as the largest needs."""
        corners = [
            (each.route.amin(0) - WITHIN - 2 * CELL, each.route.amax(0) + WITHIN + 2 * CELL)
            for each in scenes
        ]
        extent = torch.stack([high - low for low, high in corners]).amax(dim=0) / CELL
        width, height = (int(axis) + 2 for axis in extent)
        distance, segment, routes, first = [], [], [], 0
        for scene, (low, _) in zip(scenes, corners, strict=True):
            column, line = np.meshgrid(np.arange(width), np.arange(height))
            points = np.column_stack([column.ravel(), line.ravel()]) * CELL
            route = (scene.route - low).numpy().astype(np.float64)
            start, way = route[:-1], np.diff(route, axis=0)
            # Segments are a metre long, so that the nearest one has the nearest middle or is beside it.
            away, near = cKDTree(start + way / 2).query(points, distance_upper_bound=WITHIN)
            known = np.isfinite(away)
            values = np.full(len(points), FAR, np.float32)
            values[known] = _edge_distance(scene, points[known] + low.numpy())
            distance.append(torch.from_numpy(values))
            segment.append(torch.from_numpy(np.where(known, near, 0) + first))
            length = np.linalg.norm(way, axis=1)
            begin = np.append(0.0, length.cumsum())[:-1]
            routes.append(np.column_stack([start, way / length[:, None], begin]))
            first += len(start)
        return Field(
            torch.stack([low for low, _ in corners]),
            width,
            height,
            torch.cat(distance),
            torch.cat(segment),
            torch.from_numpy(np.concatenate(routes).T.astype(np.float32).copy()),
        )

    def point_near(
        self, x: Float32[Tensor, "n"], y: Float32[Tensor, "n"], first: Int64[Tensor, "n"]
    ) -> Int64[Tensor, "n"]:
        """The point nearest to each place in the frame of its grid. `first`: the grid's first point,
        scene x width x height."""
        column = (x / CELL).round().long().clamp(0, self.width - 1)
        line = (y / CELL).round().long().clamp(0, self.height - 1)
        return first + line * self.width + column

    def along(
        self, x: Float32[Tensor, "n"], y: Float32[Tensor, "n"], point: Int64[Tensor, "n"]
    ) -> tuple[Float32[Tensor, "n"], Float32[Tensor, "n"]]:
        """Progress along the route and distance from it (m), of places whose nearest points are given."""
        row = self.segment.index_select(0, point)
        sx, sy, ux, uy, begin = (part.index_select(0, row) for part in self.route)
        dx, dy = x - sx, y - sy
        lateral = (dx * uy - dy * ux).abs()
        # Beyond WITHIN no segment is known.
        far = self.distance.index_select(0, point) == FAR
        return begin + dx * ux + dy * uy, lateral.masked_fill_(far, FAR)

    def off_road(
        self,
        x: Float32[Tensor, "n"],
        y: Float32[Tensor, "n"],
        cos: Float32[Tensor, "n"],
        sin: Float32[Tensor, "n"],
        size: tuple[Float32[Tensor, "n"], Float32[Tensor, "n"]],
        first: Int64[Tensor, "n"],
        point: Int64[Tensor, "n"],
    ) -> Bool[Tensor, "n"]:
        """Whether a corner of each box is beyond a road's edge; half lengths and half widths (m)."""
        centre = self.distance.index_select(0, point)
        length, width = size
        radius = torch.hypot(length, width) + _SLACK
        off = centre > radius
        # Corners are looked up only where the edge may be under the box.
        unsure = torch.nonzero(~off & (centre > -radius)).squeeze(-1)
        x, y, cos, sin, length, width, first = (
            each.index_select(0, unsure) for each in (x, y, cos, sin, length, width, first)
        )
        ahead, aside = (length * cos, length * sin), (width * sin, width * cos)
        worst = torch.full_like(x, -torch.inf)
        for front in (1, -1):
            for left in (1, -1):
                worst = torch.maximum(
                    worst,
                    self._interpolated(
                        x + front * ahead[0] - left * aside[0],
                        y + front * ahead[1] + left * aside[1],
                        first,
                    ),
                )
        return off.index_put_((unsure,), worst > 0)

    def _interpolated(self, x: Tensor, y: Tensor, first: Tensor) -> Tensor:
        x = (x / CELL).clamp(0, self.width - 1.001)
        y = (y / CELL).clamp(0, self.height - 1.001)
        column, line = x.long(), y.long()
        right, up = x - column, y - line
        corner = first + line * self.width + column
        low, high = (
            torch.lerp(
                self.distance.index_select(0, corner + line_up),
                self.distance.index_select(0, corner + line_up + 1),
                right,
            )
            for line_up in (0, self.width)
        )
        return torch.lerp(low, high, up)


def _edge_distance(scene: Surroundings, points: np.ndarray) -> np.ndarray:
    """Signed distances (m) of places in the scene's frame, at the height of the SDC's wheels."""
    world = (points + scene.origin).astype(np.float32)
    bottom = scene.height - float(scene.scenario.mean_size[scene.scenario.sdc, 2]) / 2
    at = torch.from_numpy(
        np.column_stack([world, np.full(len(world), bottom, np.float32)]).T.copy()
    )
    number = torch.zeros(len(world), dtype=torch.int64)
    return scene.edges.signed_distance(at, number, budget=_BUDGET).numpy()
