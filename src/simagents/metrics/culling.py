"""The nearest of many segments for many points, without looking at every pair."""

from collections.abc import Iterator
from math import inf
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

CELLS = (0.5, 2.0, 8.0, 32.0)
"""Cell sizes in metres. Each is a power of two and divides the next one, so cells nest exactly."""

_SLACK = 0.1  # metres: far above what float32 rounds away at coordinates of 100 km
_REACH = 1 << 20  # cells; points beyond share the outermost cell, which only costs time


@runtime_checkable
class Segments(Protocol):
    """Things that have a distance from a point, by number."""

    def __len__(self) -> int: ...

    def distance(
        self, points: Float32[Tensor, "D P"], row: Int64[Tensor, "P"]
    ) -> Float32[Tensor, "P"]:
        """Distance of each point from the segment of the same pair."""
        ...

    def wobble(self, half: Float32[Tensor, "D P"], row: Int64[Tensor, "P"]) -> Float32[Tensor, "P"]:
        """How much that distance changes at most when the point moves by `half` on each axis."""
        ...


def first_nearest(
    points: Float32[Tensor, "D Q"], segments: Segments, *, budget: int
) -> Int64[Tensor, "Q"]:
    """For each point the number of its nearest segment; the first one where several are equal.

    Exact, whatever `segments.distance` is, if `wobble` bounds its changes. Points are put into
    cells, these into larger ones. From the largest down, a cell keeps the segments that may be
    nearest to one of its points: those whose distance from the centre exceeds the smallest by no
    more than both can change within the cell. About `budget` pairs are in memory at a time.
    """
    levels = _nest(points)
    device = points.device
    start = torch.zeros(1, dtype=torch.int64, device=device)
    count = torch.full_like(start, len(segments))
    row = torch.arange(len(segments), device=device)
    for centre, half, parent in reversed(levels[1:]):
        kept = [
            _near(centre, half, segments, cell, rows)
            for cell, rows in _pairs(parent, start, count, row, budget)
        ]
        cell, row = (torch.cat(part) for part in zip(*kept, strict=True))
        count = torch.bincount(cell, minlength=centre.shape[1])
        start = count.cumsum(0) - count

    nearest = torch.empty(points.shape[1], dtype=torch.int64, device=device)
    for point, rows in _pairs(levels[0][2], start, count, row, budget):
        distance = segments.distance(points.index_select(1, point), rows)
        first, point = point[0].item(), point - point[0]
        size = int(point[-1]) + 1
        least = _minimum(distance, point, size)
        rows = rows.where(distance == least[point], len(segments))
        nearest[first : first + size] = _minimum(rows, point, size)
    return nearest


Level = tuple[Float32[Tensor, "D n"], Float32[Tensor, "D n"], Int64[Tensor, "n"]]


def _nest(points: Float32[Tensor, "D Q"]) -> list[Level]:
    """The points and then their cells, small to large: centres, half extents, number of parent."""
    low, high, levels = points, points, []
    for size in CELLS:
        index = (low / size).floor().clamp(-_REACH, _REACH - 1).long() + _REACH
        key = index[0]
        for axis in index[1:]:
            key = key * (2 * _REACH) + axis
        cells, parent = key.unique(return_inverse=True)
        levels.append(_level(low, high, parent))
        shape = (len(points), len(cells))
        into = parent.expand_as(low)
        low = low.new_full(shape, inf).scatter_reduce(1, into, low, "amin")
        high = high.new_full(shape, -inf).scatter_reduce(1, into, high, "amax")
    return [*levels, _level(low, high, torch.zeros_like(cells))]


def _level(low: Tensor, high: Tensor, parent: Tensor) -> Level:
    centre = low + (high - low) / 2
    return centre, torch.maximum(high - centre, centre - low), parent


def _pairs(
    parent: Int64[Tensor, "n"],
    start: Int64[Tensor, "m"],
    count: Int64[Tensor, "m"],
    row: Int64[Tensor, "k"],
    budget: int,
) -> Iterator[tuple[Int64[Tensor, "P"], Int64[Tensor, "P"]]]:
    """Each of n children with each segment of its parent, in order, in chunks of whole children."""
    start, count = start[parent], count[parent]
    end = count.cumsum(0)
    first = 0
    while first < len(parent):
        before = end[first] - count[first]
        last = max(first + 1, int(torch.searchsorted(end, before + budget, right=True)))
        sizes = count[first:last]
        child = torch.arange(first, last, device=row.device).repeat_interleave(sizes)
        shift = start[first:last] - (end[first:last] - sizes - before)
        within = torch.arange(len(child), device=row.device)
        yield child, row[within + shift.repeat_interleave(sizes)]
        first = last


def _near(
    centre: Tensor, half: Tensor, segments: Segments, cell: Tensor, row: Tensor
) -> tuple[Tensor, Tensor]:
    """Of the given pairs those whose segment may be the nearest one somewhere in the cell."""
    distance = segments.distance(centre.index_select(1, cell), row)
    wobble = segments.wobble(half.index_select(1, cell), row)
    least = _minimum(distance + wobble, cell, centre.shape[1])
    keep = distance - wobble <= least[cell] * (1 + 1e-5) + _SLACK
    return cell[keep], row[keep]


def _minimum(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Least value of each group; none is empty."""
    least = values.new_empty(groups)
    return least.scatter_reduce(0, group, values, "amin", include_self=False)
