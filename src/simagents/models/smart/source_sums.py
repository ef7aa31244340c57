"""What attention sums over the sources of every target, block by block."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.models.smart.head_products import head_products, weighted_rows
from simagents.models.smart.neighbours import joined
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
    # Contiguous once, and not by all who read it as rows of a head.
    return _SourceSums.apply(
        query, to_relation, memory.contiguous(), own, relations, dropout, *relations.embedded
    )


class _SourceSums(torch.autograd.Function):
    """Block by block, so that what belongs to a block of the CPU's size stays in its caches."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, to_relation: Tensor, memory: Tensor, own: Tensor,
        relations: Relations, dropout: float, *embedded: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        heads, inner = own.shape
        table = memory.reshape(-1, inner // heads)[heads:]
        products = head_products(query, memory, own, relations.rows)
        learns = any(ctx.needs_input_grad)
        weights, masks, dropped, values, sums = [], [], [], [], []
        for score, target, relation, rows in zip(
            products.scores(), relations.near.of_targets(to_relation), embedded,
            relations.rows.keys(heads), strict=True,
        ):  # fmt: skip
            score = torch.baddbmm(score, target, relation.transpose(1, 2))
            exact = torch.promote_types(score.dtype, torch.float32)
            weight = score.softmax(dim=-1, dtype=exact)
            thinned = weight
            if dropout:
                thinned, mask = torch.native_dropout(weight, dropout, True)
                masks.append(mask)
            thinned = thinned.to(memory.dtype)
            # Values follow keys in the table: the rows of keys in one that begins later are those of values.
            value = weighted_rows(table, *rows, thinned)
            values.append(value.view(-1, heads, inner // heads))
            sums.append(torch.bmm(thinned, relation))
            if learns:
                weights.append(weight)
                dropped.append(thinned)
        ctx.rows, ctx.dropout = relations.rows, dropout
        kept = (*embedded, *weights, *dropped, *masks)
        ctx.save_for_backward(query, to_relation, memory, own, *kept)
        return joined(values), joined(sums)

    @staticmethod
    def backward(ctx: Any, d_values: Tensor, d_sums: Tensor) -> tuple[Tensor | None, ...]:
        query, to_relation, memory, own, *kept = ctx.saved_tensors
        near, count = ctx.rows.near, len(ctx.rows.near.absent)
        embedded, weights, dropped, *masks = (
            kept[at : at + count] for at in range(0, len(kept), count)
        )
        masks = masks[0] if masks else [None] * count
        products = head_products(query, memory, own, ctx.rows, d_values)
        d_scores, d_to_relation, d_embedded = [], [], []
        for d_weight, target, relation, weight, thinned, mask, d_sum in zip(
            products.weight_gradients(), near.of_targets(to_relation), embedded,
            weights, dropped, masks, near.of_targets(d_sums), strict=True,
        ):  # fmt: skip
            d_weight = torch.baddbmm(d_weight, d_sum, relation.transpose(1, 2)).to(weight.dtype)
            if mask is not None:
                scale = 1 / (1 - ctx.dropout)
                d_weight = torch.ops.aten.native_dropout_backward(d_weight, mask, scale)
            d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
            d_score = d_score.to(memory.dtype)
            d_scores.append(d_score)
            d_to_relation.append(torch.bmm(d_score, relation))
            d_relation = torch.bmm(d_score.transpose(1, 2), target)
            d_embedded.append(torch.baddbmm(d_relation, thinned.transpose(1, 2), d_sum))
        d_query = products.query_gradient(d_scores)
        d_memory = products.memory_gradient(d_scores, dropped)
        return d_query, joined(d_to_relation), d_memory, None, None, None, *d_embedded
