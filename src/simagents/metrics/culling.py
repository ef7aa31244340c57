"""The nearest of many segments for many points, without looking at every pair."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from simagents.metrics.rounding import root

CELL = 0.5
"""Size of the smallest cells in metres. Four of them on each axis make a larger one, and so on."""
LEVELS = 4
SCENES = 1 << 12
"""So many scenes fit into a number of 63 bits beside the cells."""
_BITS = (20, 20, 11)
"""Of the number of a cell on each axis: 262 km and 512 m on either side of the origin. Points beyond
share the outermost cell, which only costs time."""
_SLACK = 0.03  # metres: far above what float32 rounds away at coordinates of 100 km
_HEIGHTS = sorted({1, *(1 << i for i in range(1, 40)), *(3 << i for i in range(39))})


@runtime_checkable
class Segments(Protocol):
    """Things that have a distance from a point, by number; those of a scene are in one piece."""

    first: Int64[Tensor, "B"]
    """where the segments of each scene begin, and those of the last one end"""

    def square(
        self, points: Float32[Tensor, "D n"], row: Int64[Tensor, "K n"]
    ) -> Float32[Tensor, "K n"]:
        """Squared distance of each point from each of its K segments."""
        ...

    def wobble(
        self, half: Float32[Tensor, "D n"], row: Int64[Tensor, "K n"]
    ) -> Float32[Tensor, "*#K n"]:
        """How much the distance changes at most when the point moves by `half` on each axis."""
        ...


def first_nearest(
    points: Float32[Tensor, "D Q"], scene: Int64[Tensor, "Q"], segments: Segments, *, budget: int
) -> Int64[Tensor, "Q"]:
    """For each point the number of its scene's nearest segment; the first where several are equal.

    Exact, whatever the distance is, if `wobble` bounds its changes. Points are put into cells,
    these into larger ones. From the largest down, a cell keeps the segments that may be nearest to
    one of its points: those whose distance from the centre exceeds the smallest by no more than
    both can change within the cell. About `budget` pairs are in memory at a time.
    """
    order, points, parent, levels = _nest(points, scene)
    first = segments.first
    every = torch.arange(int(first[-1]), device=first.device)
    candidates = _Candidates(first[:-1], first.diff(), every)
    for level in reversed(levels):
        candidates = candidates.near(level, segments, budget)

    nearest = torch.empty_like(order)
    for point, row, _ in candidates.blocks(parent, budget):
        distance = root(segments.square(points.index_select(1, point), row))
        first_least = distance.min(dim=0).indices
        nearest[order[point]] = row.gather(0, first_least[None])[0]
    return nearest


@dataclass(frozen=True, eq=False)
class _Level:
    """Boxes around the points in each cell, and the number of each cell's parent."""

    centre: Float32[Tensor, "D n"]
    half: Float32[Tensor, "D n"]
    parent: Int64[Tensor, "n"]


def _nest(
    points: Float32[Tensor, "D Q"], scene: Int64[Tensor, "Q"]
) -> tuple[Int64[Tensor, "Q"], Float32[Tensor, "D Q"], Int64[Tensor, "Q"], list[_Level]]:
    """An order of points in which each cell is in one piece; the ordered points and their cells;
    and cells of all sizes, small to large, where the parents of the largest are the scenes.
    """
    bits = _BITS[: len(points)]
    cell = [
        (axis / CELL).floor().clamp(-(1 << size - 1), (1 << size - 1) - 1).long() + (1 << size - 1)
        for axis, size in zip(points, bits, strict=True)
    ]
    # The scene, its largest cells, the next ones within these: larger cells are leading digits.
    key = scene
    for level in reversed(range(LEVELS)):
        for axis, size in zip(cell, bits, strict=True):
            digits = size - 2 * level if level == LEVELS - 1 else 2
            key = (key << digits) | (axis >> 2 * level & (1 << digits) - 1)
    key, order = key.sort()
    points = low = high = points.index_select(1, order)
    parents, boxes = [], []
    for _ in range(LEVELS):
        key, parent = key.unique_consecutive(return_inverse=True)
        into, shape = parent.expand_as(low), (len(points), len(key))
        low = low.new_full(shape, inf).scatter_reduce_(1, into, low, "amin")
        high = high.new_full(shape, -inf).scatter_reduce_(1, into, high, "amax")
        key = key >> (2 * len(points))
        parents.append(parent)
        boxes.append((low, high))
    key = key >> (sum(bits) - 2 * LEVELS * len(bits))
    levels = [
        _level(low, high, parent)
        for (low, high), parent in zip(boxes, [*parents[1:], key], strict=True)
    ]
    return order, points, parents[0], levels


def _level(low: Tensor, high: Tensor, parent: Tensor) -> _Level:
    centre = low + (high - low) / 2
    return _Level(centre, torch.maximum(high - centre, centre - low), parent)


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The segments that may be nearest to a point in each of m cells."""

    start: Int64[Tensor, "m"]
    count: Int64[Tensor, "m"]
    row: Int64[Tensor, "k"]
    """segments of all cells, those of one cell in one piece and ascending"""

    def near(self, level: _Level, segments: Segments, budget: int) -> "_Candidates":
        """Those of smaller cells."""
        start, count = torch.empty_like(level.parent), torch.empty_like(level.parent)
        rows, end = [], 0
        for cell, row, length in self.blocks(level.parent, budget):
            distance = segments.square(level.centre.index_select(1, cell), row).sqrt()
            wobble = segments.wobble(level.half.index_select(1, cell), row)
            least = (distance + wobble).amin(dim=0)
            keep = distance - wobble <= least * (1 + 1e-5) + _SLACK
            keep &= torch.arange(len(row), device=row.device)[:, None] < length
            kept = keep.sum(dim=0)
            count[cell] = kept
            start[cell] = kept.cumsum(0) - kept + end
            rows.append(row.T[keep.T])
            end += len(rows[-1])
        return _Candidates(start, count, torch.cat(rows))

    def blocks(
        self, parent: Int64[Tensor, "n"], budget: int
    ) -> Iterator[tuple[Int64[Tensor, "b"], Int64[Tensor, "K b"], Int64[Tensor, "b"]]]:
        """Children of the cells, with the candidates of their parents and how many these are.

        Children with about as many candidates are a block. To make it a rectangle the shorter
        columns repeat their last candidate, which changes no minimum. About `budget` pairs each.
        """
        count = self.count[parent]
        heights = torch.tensor(_HEIGHTS, device=count.device)
        kind = torch.bucketize(count, heights)
        highest = torch.zeros_like(heights).scatter_reduce(0, kind, count, "amax")
        for number, height in enumerate(highest.tolist()):
            if not height:
                continue
            within = torch.arange(height, device=count.device)[:, None]
            for child in (kind == number).nonzero()[:, 0].split(max(1, budget // height)):
                length = count[child]
                place = self.start[parent[child]] + torch.minimum(within, length - 1)
                yield child, self.row.index_select(0, place.flatten()).view(place.shape), length
