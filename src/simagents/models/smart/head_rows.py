"""Where the heads of targets find their keys and values, when a memory is read as rows of one head's width."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor

from simagents.models.smart.neighbours import Neighbourhoods

LOWEST = -1e30
"""Below every score, and finite in float32 and bfloat16: a target of padding alone has weights, which mean
nothing. float16, in which nothing runs here, would overflow."""


@dataclass(frozen=True)
class HeadRows:
    """What attention computes of neighbourhoods alone: made by the first of the layers that share them.

    It does not have their embeddings, which a gradient would keep alive with it.
    """

    near: Neighbourhoods
    dtype: torch.dtype
    """of scores"""

    @cached_property
    def barriers(self) -> list[Float[Tensor, "_ 1 K"]]:
        """Group by group what scores start from: 0, and where there is no source a number below all of them."""
        return [(absent[:, None] * LOWEST).to(self.dtype) for absent in self.near.absent]

    def keys(self, heads: int) -> list[tuple[Int32[Tensor, "_"], Int32[Tensor, "_"]]]:
        """Group by group, where keys are in a memory that is read as rows of one head's width.

        Of every target and head the rows of its slots, and where those of each target and head begin among
        them. A source's rows are its keys, head by head, and then its values.
        """
        return self._once(("keys", heads), lambda: self._keys(heads))

    def patterns(self, heads: int, rows: int) -> list[Tensor]:
        """Group by group, a sparse matrix of targets' heads and so many rows of a memory.

        Its entries are where a target attends, and its values are the barriers.
        """
        return self._once(
            ("patterns", heads, rows),
            lambda: [
                _sparse(*of_group, barrier.expand(-1, heads, -1), rows)
                for of_group, barrier in zip(self.keys(heads), self.barriers, strict=True)
            ],
        )

    def readers(self, heads: int, sources: int) -> "Readers":
        """Which scores read the rows of each source."""
        return self._once(
            ("readers", heads, sources), lambda: Readers.of(self.near, heads, sources)
        )

    def _keys(self, heads: int) -> list[tuple[Tensor, Tensor]]:
        of = {"dtype": torch.int32, "device": self.near.absent[0].device}  # half the bytes
        head = torch.arange(heads, **of)[:, None]
        return [
            (
                (places.int().view(len(absent), 1, -1) * (2 * heads) + head).flatten(),
                torch.arange(0, absent.numel() * heads, absent.shape[1], **of),
            )
            for places, absent in zip(self.near.places(), self.near.absent, strict=True)
        ]

    @cached_property
    def _known(self) -> dict[tuple, Any]:
        return {}

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]


def _sparse(
    row: Int32[Tensor, "E"],
    first: Int32[Tensor, "R"],
    barrier: Float[Tensor, "n H K"],
    rows: int,
) -> Tensor:
    """The sparse matrix [R, rows] with these values: R = n H, E = R K."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.cat([first, first.new_tensor([len(row)])]), row, barrier.flatten(),
            (len(first), rows), check_invariants=False,
        )  # fmt: skip


@dataclass(frozen=True)
class Readers:
    """The scores of all heads, sorted by the source and head whose key they read; those of padding are left out."""

    target: Int32[Tensor, "E"]
    """row of the target's head"""
    score: Int64[Tensor, "E"]
    """place of the score among those of all blocks"""
    first: Int32[Tensor, "_"]
    """where those of each source and head begin"""

    @staticmethod
    def of(near: Neighbourhoods, heads: int, sources: int) -> "Readers":
        """Of so many sources."""
        device = near.absent[0].device
        slot = torch.cat([~absent.flatten() for absent in near.absent]).nonzero().squeeze(1)
        source = torch.cat(near.places()).index_select(0, slot)
        source, order = source.sort(stable=True)
        slot = slot.index_select(0, order)
        count = torch.bincount(source, minlength=sources)
        begin = heads * (count.cumsum(0) - count)

        width = torch.cat([torch.full((len(a),), a.shape[1], device=device) for a in near.absent])
        target = torch.arange(len(width), device=device).repeat_interleave(width)
        target = target.index_select(0, slot)
        of_target = (width.cumsum(0) - width).index_select(0, target)  # its first slot
        width = width.index_select(0, target)

        head = torch.arange(heads, device=device)[:, None]
        # A score of head h is h widths behind its slot among those of its target.
        score = slot + (heads - 1) * of_target + head * width
        here = count.index_select(0, source)
        rank = torch.arange(len(slot), device=device) - begin.index_select(0, source) // heads
        place = begin.index_select(0, source) + head * here + rank
        return Readers(
            _placed((target * heads + head).int(), place),
            _placed(score, place),
            (begin[:, None] + head.T * count[:, None]).flatten().int(),
        )


def _placed(values: Int64[Tensor, "H E"] | Int32[Tensor, "H E"], place: Tensor) -> Tensor:
    return torch.empty_like(values).flatten().scatter_(0, place.flatten(), values.flatten())
