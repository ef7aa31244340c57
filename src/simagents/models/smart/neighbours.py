"""Which nodes attend to which others: a search by cells, and groups of targets with about as many sources."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, pairwise

import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

# Targets with about the same number of sources are computed together, padded to the upper bound of
# their group. The bounds are fixed, so on a CPU the shape in which a target is computed depends on its own
# neighbourhood alone and never on what else is in the batch.
_FINE = (
    4, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 144, 160, 176,
    192, 208, 224, 240, 256, 288, 320, 352, 384, 448, 512, 640, 768, 1024, 1536, 2048, 4096, 8192,
)  # fmt: skip
# On an accelerator every group costs launches. Powers of two are a compromise: on four WOMD scenes slots are
# 1.5 to 1.7 times the edges, where steps of four times would make it 2.2 to 3.3.
_WIDE = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
# There a group joins the next wider one where that adds so many slots of padding at most. With its backward pass a
# group launches some hundred kernels in six layers, a millisecond. In that time memory of 4 TB/s reads and writes 4 GB,
# and a slot takes some 15 kB of that in six layers, so padding of 131,072 slots costs half of what a group does
# (an estimate, measured on no accelerator).
_PADDING, _CPU_PADDING = 2**17, 0

_ROW = 2**20
_MIDDLE = _ROW // 2
"""Of numbers of cells: a row of cells has so many, of which the origin is the middle one."""


@cache
def _bounds(device: torch.device) -> tuple[tuple[int, ...], Tensor]:
    """Upper bounds of the groups, and, on the device, with the 0 of targets without sources."""
    bounds = _FINE if device.type == "cpu" else _WIDE
    return bounds, torch.tensor([0, *bounds], device=device)


@dataclass(frozen=True)
class Neighbourhoods:
    """The sources of every target, in groups of n targets with K slots each.

    Slots beyond a target's sources are padding: `absent`, of source 0.
    """

    target: Int64[Tensor, "n_all"] | None
    """targets that have sources, group by group; None: all, in order, some perhaps without sources"""
    source: Int64[Tensor, "slots"] | None
    """of every slot, group by group; None: the sources are laid out as the slots are"""
    absent: list[Bool[Tensor, "_ _"]]

    @staticmethod
    def none(device: torch.device) -> "Neighbourhoods":
        """No target has sources."""
        nothing = torch.zeros(0, dtype=torch.int64, device=device)
        return Neighbourhoods(nothing, nothing, [])

    def in_blocks(self, slots: int) -> "Neighbourhoods":
        """The same, with groups of at most so many slots, or of one target."""
        parts = (one.split(max(1, slots // one.shape[1])) for one in self.absent)
        return replace(self, absent=list(chain.from_iterable(parts)))

    def target_of_slots(self) -> Int64[Tensor, "slots"]:
        """The target that each slot belongs to."""
        target = self.target
        if target is None:
            target = torch.arange(sum(map(len, self.absent)), device=self.absent[0].device)
        return joined(
            [
                rows[:, None].expand(absent.shape).reshape(-1)
                for rows, absent in zip(self.of_targets(target), self.absent, strict=True)
            ]
        )

    def of_slots(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Rows of the slots, group by group."""
        return _parts(rows, [absent.numel() for absent in self.absent])

    def of_targets(self, rows: Shaped[Tensor, "n_all *D"]) -> tuple[Shaped[Tensor, "_ *D"], ...]:
        """Rows of the targets in the order of `target`, group by group."""
        return _parts(rows, [len(absent) for absent in self.absent])

    def places(self) -> tuple[Int64[Tensor, "_"], ...]:
        """Rows that the sources of the slots have, group by group."""
        if self.source is not None:
            return self.of_slots(self.source)
        slots = sum(absent.numel() for absent in self.absent)
        return self.of_slots(torch.arange(slots, device=self.absent[0].device))

    def of_sources(self, rows: Float[Tensor, "S D"]) -> Iterator[Float[Tensor, "_ _ D"]]:
        """Rows of the sources, group by group, each gathered when it is its turn."""
        if self.source is None:
            for part, absent in zip(self.of_slots(rows), self.absent, strict=True):
                yield part.view(*absent.shape, -1)
            return
        # index_select, not rows[source]: four times as fast on a CPU.
        for source, absent in zip(self.of_slots(self.source), self.absent, strict=True):
            yield rows.index_select(0, source).view(*absent.shape, -1)


def _parts(rows: Tensor, sizes: list[int]) -> tuple[Tensor, ...]:
    """Rows split; for a single part nothing is, so that its gradient is not copied."""
    return (rows,) if len(sizes) == 1 else rows.split(sizes)


def joined(parts: list[Tensor]) -> Tensor:
    """The parts below one another; a single one is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


@dataclass(frozen=True)
class CellIndex:
    """Points sorted by cells of side `radius`, in which those of a group near a place are found.

    Groups are numbered from 0; group -1 is found by nobody. Rows of cells are contiguous. Cells start
    at the origin, so the order of points does not depend on the rest of the batch.
    """

    at: Float[Tensor, "m 2"]
    radius: float
    cell: Int64[Tensor, "m"]
    """of the points in their own order"""
    ordered: Int64[Tensor, "m"]
    order: Int64[Tensor, "m"]

    @staticmethod
    def of(at: Float[Tensor, "m 2"], group: Int64[Tensor, "m"], radius: float) -> "CellIndex":
        """An index of these points."""
        cell = _cells(at, group, radius)
        return CellIndex(at, radius, cell, *cell.sort(stable=True))


def _cells(at: Tensor, group: Tensor, radius: float) -> Tensor:
    """Numbers of cells, unique for x, y and group, of which those along y follow one another."""
    # Beyond half a million cells points share one, and are told apart by their distance.
    cell = (at / radius).floor().long().clamp(2 - _MIDDLE, _MIDDLE - 2) + _MIDDLE
    return (group * _ROW + cell[:, 0]) * _ROW + cell[:, 1]


def near(
    target: Float[Tensor, "n 2"], group: Int64[Tensor, "n"], index: CellIndex
) -> Neighbourhoods:
    """The sources of the target's group that are closer than the index's radius (strictly).

    A target in group -1 has no sources. It is compared with the three rows of three cells around it
    only. An accelerator is waited for twice: for the number of pairs in those cells, and for the sizes
    of the groups of targets.
    """
    return _search(target, group, _cells(target, group, index.radius), index, False, None)


def near_one_another(
    at: Float[Tensor, "n 2"], group: Int64[Tensor, "n"], radius: float, nearest: int | None = None
) -> Neighbourhoods:
    """The other members of its group that are closer than `radius` (strictly) to each, all or the
    `nearest`; see `near`."""
    index = CellIndex.of(at, group, radius)
    return _search(at, group, index.cell, index, True, nearest)


def _search(
    target: Tensor, group: Tensor, cell: Tensor, index: CellIndex, others: bool, nearest: int | None
) -> Neighbourhoods:
    n, device = len(target), target.device
    if not n or not len(index.at):
        return Neighbourhoods.none(device)
    middle = cell[:, None] + torch.arange(-1, 2, device=device) * _ROW
    first = torch.searchsorted(index.ordered, middle - 1)
    count = torch.searchsorted(index.ordered, middle + 1, right=True) - first
    count = (count * (group >= 0)[:, None]).flatten()
    end = count.cumsum(0)
    pairs = int(end[-1])
    if not pairs:
        return Neighbourhoods.none(device)
    row = torch.arange(3 * n, device=device).repeat_interleave(count, output_size=pairs)
    place = (first.flatten() - (end - count)).index_select(0, row)
    s = index.order.index_select(0, place + torch.arange(pairs, device=device))
    t = row.div(3, rounding_mode="floor")
    offset = target.index_select(0, t) - index.at.index_select(0, s)
    squared = offset.square().sum(dim=-1)
    close = squared < index.radius**2
    if others:
        close &= t != s
    return _grouped(t, s, squared, close, end.view(n, 3)[:, 2], nearest)


def _grouped(
    t: Tensor, s: Tensor, squared: Tensor, close: Tensor, end: Tensor, nearest: int | None
) -> Neighbourhoods:
    """Pairs (t, s) that are `close`, sorted by target, as slots; those of a target end at `end`."""
    device = t.device
    until = close.cumsum(0)
    degree = until.index_select(0, (end - 1).clamp(min=0)) * (end > 0)
    before = torch.cat([degree.new_zeros(1), degree[:-1]])
    degree = degree - before
    bounds, widths = _bounds(device)
    number = torch.bucketize(degree, widths)
    number, order = number.sort(stable=True)
    ends = torch.searchsorted(number, torch.arange(len(widths) + 1, device=device), right=True)
    *sizes, beyond = ends.diff().tolist()  # without those of no source
    padding = _CPU_PADDING if device.type == "cpu" else _PADDING
    sizes, taken = joined_groups(sizes, bounds, padding)
    if beyond:
        raise ValueError(
            f"a target has {int(degree.max())} sources; at most {bounds[-1]} are supported."
        )
    groups = [(size, bound) for size, bound in zip(sizes, bounds, strict=True) if size]
    if not groups:
        return Neighbourhoods.none(device)
    size, bound = groups[0]
    # One group of all targets, those of no source among them, keeps their order.
    alike = len(groups) == 1 and (len(degree) - size) * bound <= padding
    if alike:
        groups = [(len(degree), bound)]
        begin = torch.arange(len(degree), device=device) * bound
    else:
        if taken != bounds:
            widths = torch.tensor([0, *taken], device=device)
        width = widths.index_select(0, number)
        begin = torch.empty_like(width).scatter_(0, order, width.cumsum(0) - width)
    slots = sum(size * bound for size, bound in groups)
    place = (begin - before).index_select(0, t) + until - 1
    place = torch.where(close, place, slots)  # the others into one slot too many
    source = place.new_full((slots + 1,), -1).scatter_(0, place, s)[:-1]
    with_sources = None if alike else order[-sum(size for size, _ in groups) :]
    absent = (source < 0).split([size * bound for size, bound in groups])
    source = source.clamp(min=0)
    absent = [one.view(group) for one, group in zip(absent, groups, strict=True)]
    found = Neighbourhoods(with_sources, source, absent)
    if nearest is None or groups[-1][1] <= nearest:
        return found
    away = squared.new_full((slots + 1,), torch.inf).scatter_(0, place, squared)[:-1]
    return _nearest(found, away, nearest)


def joined_groups(
    sizes: list[int], bounds: tuple[int, ...], padding: int
) -> tuple[list[int], tuple[int, ...]]:
    """Groups of so many targets; one that joins the next wider one adds at most `padding` slots to it.

    Returns the sizes after that, and the width that the targets of each bound have.
    """
    sizes, taken = list(sizes), list(bounds)
    for at, wider in pairwise([place for place, size in enumerate(sizes) if size]):
        if sizes[at] * (bounds[wider] - bounds[at]) <= padding:
            taken = [bounds[wider] if width == bounds[at] else width for width in taken]
            sizes[at], sizes[wider] = 0, sizes[wider] + sizes[at]
    return sizes, tuple(taken)


def _nearest(found: Neighbourhoods, away: Tensor, nearest: int) -> Neighbourhoods:
    """Groups with more slots are cut to those of the `nearest` sources, nearest first."""
    sources, masks = [], []
    for source, far, absent in zip(
        found.of_slots(found.source), found.of_slots(away), found.absent, strict=True
    ):
        if absent.shape[1] > nearest:
            kept = far.view(absent.shape).argsort(dim=1, stable=True)[:, :nearest]
            source = source.view(absent.shape).gather(1, kept).flatten()
            absent = absent.gather(1, kept)
        sources.append(source)
        masks.append(absent)
    return Neighbourhoods(found.target, joined(sources), masks)
