"""What attention sums over the sources of every target, block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.models.smart.neighbours import Neighbourhoods, joined
from simagents.models.smart.relations import Relations


def source_sums(
    query: Float[Tensor, "n I"],
    to_relation: Float[Tensor, "n H D"],
    memory: Float[Tensor, "S W"],
    own: Float[Tensor, "H I"],
    relations: Relations,
    dropout: float,
) -> tuple[Float[Tensor, "n H d"], Float[Tensor, "n H D"]]:
    """Σ a v and Σ a r of the targets that may have sources, in their order, for the weights a of each head.

    a = softmax(q·k + t·r), of which `dropout` loses some. `query` is scaled, a row of all heads for each
    target; `to_relation` is t; `memory` has keys k, and behind them values v; `own` has ones where a
    column belongs to a head.
    """
    # Products of whole rows that are zero outside a head save a copy that would collect the head's columns,
    # and the copy costs more than the zeros.
    by_head = query[:, None] * own
    return _SourceSums.apply(
        by_head, to_relation, memory, own, relations, dropout, *relations.embedded
    )


@dataclass(frozen=True)
class _Block:
    """Targets of one block, with their sources."""

    query: Float[Tensor, "b H I"]
    to_relation: Float[Tensor, "b H D"]
    barrier: Float[Tensor, "b 1 K"]
    relation: Float[Tensor, "b K D"]
    key: Float[Tensor, "b K I"]


class _SourceSums(torch.autograd.Function):
    """Keys and values of the slots are gathered once more for the gradient instead of being kept.

    Kept, they would be most of the memory of a training step: 2 I numbers for each slot and layer, where
    the weights are H. A block of the CPU's size stays in its caches while all products read it.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, to_relation: Tensor, memory: Tensor, own: Tensor,
        relations: Relations, dropout: float, *embedded: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        heads, inner = own.shape
        table = memory.reshape(-1, inner // heads)
        learns = any(ctx.needs_input_grad)
        weights, masks, dropped, values, sums = [], [], [], [], []
        blocks = _blocks(query, to_relation, memory, relations, embedded)
        for block, (rows, first) in zip(blocks, relations.rows_of_heads(heads), strict=True):
            score = torch.baddbmm(block.barrier, block.query, block.key.transpose(1, 2))
            score = torch.baddbmm(score, block.to_relation, block.relation.transpose(1, 2))
            weight = score.softmax(dim=-1, dtype=_exact(score))
            thinned = weight
            if dropout:
                thinned, mask = torch.native_dropout(weight, dropout, True)
                masks.append(mask)
            thinned = thinned.to(memory.dtype)
            # Weighted look-ups of rows: a tenth of gathering the values and multiplying them.
            value = nn.functional.embedding_bag(
                rows, table, first, mode="sum", per_sample_weights=thinned.flatten()
            )
            values.append(value.view(-1, heads, inner // heads))
            sums.append(torch.bmm(thinned, block.relation))
            if learns:
                weights.append(weight)
                dropped.append(thinned)
        ctx.relations, ctx.dropout = relations, dropout
        kept = (*embedded, *weights, *dropped, *masks)
        ctx.save_for_backward(query, to_relation, memory, own, *kept)
        return joined(values), joined(sums)

    @staticmethod
    def backward(ctx: Any, d_values: Tensor, d_sums: Tensor) -> tuple[Tensor | None, ...]:
        query, to_relation, memory, own, *kept = ctx.saved_tensors
        near, count, inner = ctx.relations.near, len(ctx.relations.near.absent), own.shape[1]
        embedded, weights, dropped, *masks = (
            kept[at : at + count] for at in range(0, len(kept), count)
        )
        masks = masks[0] if masks else [None] * count
        d_query, d_to_relation, d_embedded, d_rows = [], [], [], _RowSums(memory, near)
        for block, value, weight, thinned, mask, d_value, d_sum in zip(
            _blocks(query, to_relation, memory, ctx.relations, embedded),
            near.of_sources(memory[:, inner:]), weights, dropped, masks,
            near.of_targets(d_values.flatten(1)[:, None] * own), near.of_targets(d_sums),
            strict=True,
        ):  # fmt: skip
            d_weight = torch.bmm(d_value, value.transpose(1, 2))
            d_weight = torch.baddbmm(d_weight, d_sum, block.relation.transpose(1, 2))
            d_weight = d_weight.to(weight.dtype)
            if mask is not None:
                scale = 1 / (1 - ctx.dropout)
                d_weight = torch.ops.aten.native_dropout_backward(d_weight, mask, scale)
            d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
            d_score, thinned = d_score.to(memory.dtype), thinned.transpose(1, 2)
            d_query.append(torch.bmm(d_score, block.key))
            d_to_relation.append(torch.bmm(d_score, block.relation))
            d_score = d_score.transpose(1, 2)
            d_relation = torch.bmm(d_score, block.to_relation)
            d_embedded.append(torch.baddbmm(d_relation, thinned, d_sum))
            d_rows.add(torch.bmm(d_score, block.query), torch.bmm(thinned, d_value))
        d_memory = d_rows.total()
        return joined(d_query), joined(d_to_relation), d_memory, None, None, None, *d_embedded


class _RowSums:
    """The gradient of a memory, from those of the slots that read its rows."""

    def __init__(self, memory: Tensor, near: Neighbourhoods):
        self.dtype = memory.dtype
        self.parts: list[Tensor] = []
        """of slots that are laid out as the rows are"""
        self.sums = None if near.source is None else torch.zeros_like(memory, dtype=_exact(memory))
        self.places = iter(() if near.source is None else near.of_slots(near.source))

    def add(self, d_key: Float[Tensor, "b K I"], d_value: Float[Tensor, "b K I"]) -> None:
        """Of the next block."""
        if self.sums is None:
            self.parts.append(torch.cat([d_key, d_value], dim=-1).flatten(0, 1))
            return
        places, inner = next(self.places), d_key.shape[-1]
        for of, rows in ((self.sums[:, :inner], d_key), (self.sums[:, inner:], d_value)):
            of.index_add_(0, places, rows.flatten(0, 1).to(of.dtype))

    def total(self) -> Tensor:
        """In the memory's precision."""
        return joined(self.parts) if self.sums is None else self.sums.to(self.dtype)


def _blocks(
    query: Tensor,
    to_relation: Tensor,
    memory: Tensor,
    relations: Relations,
    embedded: Sequence[Tensor],
) -> Iterator[_Block]:
    """One at a time: what is gathered for a block is in the caches while it is used."""
    near = relations.near
    of_targets = near.of_targets(query), near.of_targets(to_relation)
    keys = near.of_sources(memory[:, : query.shape[2]])
    for parts in zip(*of_targets, relations.barriers, embedded, keys, strict=True):
        yield _Block(*parts)


def _exact(of: Tensor) -> torch.dtype:
    """float32 for sums of bfloat16."""
    return torch.promote_types(of.dtype, torch.float32)
