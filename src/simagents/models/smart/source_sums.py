"""What attention sums over the sources of every target, block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

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

    a = softmax(q·k + t·r), of which `dropout` loses some. `query` is scaled, a row of all heads for each target;
    `to_relation` is t; `memory` has keys k, and behind them values v; `own` has ones where a column belongs to
    a head.
    """
    return _SourceSums.apply(
        query, to_relation, memory, own, relations, dropout, *relations.embedded
    )


@dataclass(frozen=True)
class _Block:
    """Targets of one block, with their sources."""

    query: Float[Tensor, "b H I"]
    """each head's own columns; zeros elsewhere. A product of such whole rows saves a copy that would collect the
    head's columns, and the copy costs more than the zeros."""
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
        weights, dropped, values, sums = [], [], [], []
        blocks = _blocks(query, to_relation, memory, own, relations, embedded)
        for block, rows in zip(blocks, relations.rows_of_heads(heads), strict=True):
            score = torch.baddbmm(block.barrier, block.query, block.key.transpose(1, 2))
            score = torch.baddbmm(score, block.to_relation, block.relation.transpose(1, 2))
            weight = score.softmax(dim=-1, dtype=_exact(score))
            thinned = nn.functional.dropout(weight, dropout).to(memory.dtype)
            # Weighted look-ups of rows: a tenth of gathering the values and multiplying them.
            value = nn.functional.embedding_bag(
                rows, table, mode="sum", per_sample_weights=thinned.flatten(0, 1)
            )
            values.append(value.view(-1, *own.shape[:1], inner // heads))
            sums.append(torch.bmm(thinned, block.relation))
            if learns:
                weights.append(weight)
                dropped.append(thinned)
        ctx.relations = relations
        ctx.save_for_backward(query, to_relation, memory, own, *embedded, *weights, *dropped)
        return torch.cat(values), torch.cat(sums)

    @staticmethod
    def backward(ctx: Any, d_values: Tensor, d_sums: Tensor) -> tuple[Tensor | None, ...]:
        query, to_relation, memory, own, *rest = ctx.saved_tensors
        near = ctx.relations.near
        count = len(near.absent)
        embedded, weights, dropped = rest[:count], rest[count : 2 * count], rest[2 * count :]
        inner = own.shape[1]
        d_memory = torch.zeros_like(memory, dtype=_exact(memory))
        d_query, d_to_relation, d_embedded = [], [], []
        for block, value, weight, thinned, d_value, d_sum, slots in zip(
            _blocks(query, to_relation, memory, own, ctx.relations, embedded),
            near.of_sources(memory[:, inner:]), weights, dropped,
            near.of_targets(d_values), near.of_targets(d_sums), near.places(), strict=True,
        ):  # fmt: skip
            d_value = d_value.flatten(1)[:, None] * own
            d_weight = torch.bmm(d_value, value.transpose(1, 2))
            d_weight = torch.baddbmm(d_weight, d_sum, block.relation.transpose(1, 2))
            # As of a softmax whose output was thinned.
            product = thinned * d_weight.to(weight.dtype)
            d_score = product - weight * product.sum(dim=-1, keepdim=True)
            d_score = d_score.to(memory.dtype)
            d_query.append((torch.bmm(d_score, block.key) * own).sum(dim=1))
            d_to_relation.append(torch.bmm(d_score, block.relation))
            both = torch.cat([d_score, thinned], dim=1).transpose(1, 2)
            d_embedded.append(torch.bmm(both, torch.cat([block.to_relation, d_sum], dim=1)))
            d_key = torch.bmm(d_score.transpose(1, 2), block.query)
            d_value = torch.bmm(thinned.transpose(1, 2), d_value)
            for of, rows in ((d_memory[:, :inner], d_key), (d_memory[:, inner:], d_value)):
                of.index_add_(0, slots, rows.flatten(0, 1).to(d_memory.dtype))
        d_query, d_to_relation = torch.cat(d_query), torch.cat(d_to_relation)
        return d_query, d_to_relation, d_memory.to(memory.dtype), None, None, None, *d_embedded


def _blocks(
    query: Tensor, to_relation: Tensor, memory: Tensor, own: Tensor, relations: Relations,
    embedded: Sequence[Tensor],
) -> Iterator[_Block]:  # fmt: skip
    """One at a time: what is gathered for a block is in the caches while it is used."""
    near = relations.near
    for rows, toward, barrier, relation, key in zip(
        near.of_targets(query), near.of_targets(to_relation), relations.barriers, embedded,
        near.of_sources(memory[:, : own.shape[1]]), strict=True,
    ):  # fmt: skip
        yield _Block(rows[:, None] * own, toward, barrier, relation, key)


def _exact(of: Tensor) -> torch.dtype:
    """float32 for sums of bfloat16."""
    return torch.promote_types(of.dtype, torch.float32)
