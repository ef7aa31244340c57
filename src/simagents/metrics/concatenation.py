"""Scenes of different sizes as one: rows end to end, numbers shifted, and lists of pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

Tensors = TypeVar("Tensors")


def on_device(value: Tensors, device: torch.device | str) -> Tensors:
    """The same tensor, dictionary or dataclass, with all its tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: on_device(entry, device) for name, entry in value.items()}
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **{name: on_device(part, device) for name, part in parts.items()})
    return value


def shifted(parts: Sequence[Int64[Tensor, "_"]], sizes: Sequence[int]) -> Int64[Tensor, "_"]:
    """Row numbers of several scenes end to end, given how many rows each scene has."""
    first = torch.tensor([0, *sizes[:-1]]).cumsum(0)
    shift = first.repeat_interleave(torch.tensor([len(part) for part in parts]))
    return torch.cat(list(parts)) + shift.to(parts[0].device)


def ends_of(parts: Sequence[Int64[Tensor, "_"]]) -> Int64[Tensor, "_"]:
    """Where each of several runs of rows begins, and the last one ends, after several others."""
    sizes = torch.cat([part.diff() for part in parts])
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])


@dataclass(frozen=True, eq=False)
class Pairs:
    """Each of E evaluated agents with some other things of its scene, agent by agent.

    A list has no padding, however different the scenes are that it spans.
    """

    ego: Int64[Tensor, "P"]
    """number among the evaluated agents, ascending"""
    other: Int64[Tensor, "P"]
    """row of the other thing, ascending for each ego"""
    counts: tuple[int, ...]
    """pairs of each evaluated agent; on the host, so that nobody waits for a GPU"""

    @classmethod
    def of(cls, chosen: Bool[Tensor, "E N"]) -> "Pairs":
        """The pairs of one scene, from a table."""
        ego, other = chosen.nonzero(as_tuple=True)
        return cls(ego, other, tuple(chosen.sum(dim=1).tolist()))

    @classmethod
    def join(cls, parts: Sequence["Pairs"], others: Sequence[int]) -> "Pairs":
        """The pairs of several scenes, which have so many `others`."""
        return cls(
            shifted([part.ego for part in parts], [len(part.counts) for part in parts]),
            shifted([part.other for part in parts], others),
            tuple(count for part in parts for count in part.counts),
        )

    def split(self, limit: int) -> Iterator[tuple[slice, "Pairs"]]:
        """Runs of evaluated agents, with pairs numbered from the first of them.

        About `limit` pairs each, and never less than one evaluated agent.
        """
        first = pair = 0
        while first < len(self.counts):
            last, end = first, pair
            while last < len(self.counts) and (
                last == first or end + self.counts[last] - pair <= limit
            ):
                end += self.counts[last]
                last += 1
            run = slice(pair, end)
            yield (
                slice(first, last),
                Pairs(self.ego[run] - first, self.other[run], self.counts[first:last]),
            )
            first, pair = last, end
