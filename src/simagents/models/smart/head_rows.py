"""Where the heads of targets find their keys and values, when a memory is read as rows of one head's width."""

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor

from simagents.models.smart.neighbours import Neighbourhoods


def key_rows(near: Neighbourhoods, heads: int) -> list[tuple[Tensor, Tensor]]:
    """See `Relations.key_rows`."""
    of = {"dtype": torch.int32, "device": near.absent[0].device}  # half the bytes
    head = torch.arange(heads, **of)[:, None]
    return [
        (
            (places.int().view(len(absent), 1, -1) * (2 * heads) + head).flatten(),
            torch.arange(0, absent.numel() * heads, absent.shape[1], **of),
        )
        for places, absent in zip(near.places(), near.absent, strict=True)
    ]


def sparse_barriers(
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
