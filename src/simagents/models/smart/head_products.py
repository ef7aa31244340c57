"""Products of targets' heads with the keys and values that they attend to, in two ways, and their gradients."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from simagents.models.smart.head_rows import HeadRows
from simagents.models.smart.neighbours import joined

Scores = Float[Tensor, "_ H _"]
"""of a block: targets, heads, slots"""


@runtime_checkable
class HeadProducts(Protocol):
    """n targets of H heads with d channels each, I = H d; S rows of keys and, behind them, values."""

    def scores(self) -> Iterator[Scores]:
        """Queries times keys, block by block, far below all others where there is no source."""
        ...

    def weight_gradients(self) -> Iterator[Scores]:
        """The gradient of the weights with which values were summed, block by block."""
        ...

    def query_gradient(self, d_scores: Sequence[Scores]) -> Float[Tensor, "n I"]:
        """That of queries, from those of all blocks' scores."""
        ...

    def memory_gradient(
        self, d_scores: Sequence[Scores], weights: Sequence[Scores]
    ) -> Float[Tensor, "S W"]:
        """That of keys through scores, and of values through sums with these weights."""
        ...


def head_products(
    query: Float[Tensor, "n I"],
    memory: Float[Tensor, "S W"],
    own: Float[Tensor, "H I"],
    rows: HeadRows,
    d_values: Float[Tensor, "n H d"] | None = None,
) -> HeadProducts:
    """The faster way.

    `own` has ones where a column belongs to a head; `d_values` is the gradient of the sums of values, for the
    gradients of the others.
    """
    # torch has no sparse products of bfloat16, and on an accelerator they are slow. Nor does it take a matrix with
    # more entries than places, which padding makes of very few sources.
    most = max(absent.shape[1] for absent in rows.near.absent)
    sparse = memory.device.type == "cpu" and memory.dtype != torch.bfloat16
    sparse = sparse and most <= len(own) * len(memory)
    return (SparseProducts if sparse else DenseProducts)(query, memory, own, rows, d_values)


def weighted_rows(
    table: Float[Tensor, "T d"],
    row: Int[Tensor, "R"],
    first: Int[Tensor, "B"],
    weight: Float[Tensor, "*R"],
) -> Float[Tensor, "B d"]:
    """Sums of rows of a table, each with its weight; sum i begins at `first[i]`."""
    return nn.functional.embedding_bag(
        row, table, first, mode="sum", per_sample_weights=weight.flatten()
    )


class SparseProducts:
    """Every head with its rows of the memory, read where they are.

    Scores are the entries of a product of two tables that a sparse matrix names, and sums are weighted
    look-ups. On one core scores take 0.1 to 0.8 of the time of gathering and multiplying, and gradients 0.04
    to 0.5 (8 to 128 sources a target, 4 or 8 heads of 8 or 16 channels; benchmarks/README.md).
    """

    def __init__(
        self, query: Tensor, memory: Tensor, own: Tensor, rows: HeadRows, d_values: Tensor | None
    ):
        self.rows, self.near, self.heads = rows, rows.near, len(own)
        self.channels = query.shape[1] // self.heads
        self.query, self.d_values, self.sources = query, d_values, len(memory)
        self.table = memory.reshape(-1, self.channels)

    def scores(self) -> Iterator[Tensor]:
        return self._entries(self.query, self.table[: -self.heads], 1.0)

    def weight_gradients(self) -> Iterator[Tensor]:
        # The values of a source follow its keys: the same entries of a table that begins later.
        return self._entries(self.d_values, self.table[self.heads :], 0.0)

    def query_gradient(self, d_scores: Sequence[Tensor]) -> Tensor:
        sums = [
            weighted_rows(self.table, *of_block, d_score)
            for of_block, d_score in zip(self.rows.keys(self.heads), d_scores, strict=True)
        ]
        return joined(sums).view(self.query.shape)

    def memory_gradient(self, d_scores: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        readers = self.rows.readers(self.heads, self.sources)
        sums = []
        for rows, shares in ((self.query, d_scores), (self.d_values, weights)):
            share = joined([each.flatten() for each in shares]).index_select(0, readers.score)
            rows = rows.reshape(-1, self.channels)
            sums.append(weighted_rows(rows, readers.target, readers.first, share))
        return torch.cat([each.view(self.sources, -1) for each in sums], dim=1)

    def _entries(self, rows: Tensor, table: Tensor, barriers: float) -> Iterator[Tensor]:
        patterns = self.rows.patterns(self.heads, len(table))
        for pattern, absent, of_block in zip(
            patterns, self.near.absent, self.near.of_targets(rows), strict=True
        ):
            of_block = of_block.reshape(-1, self.channels)
            entries = torch.sparse.sampled_addmm(pattern, of_block, table.T, beta=barriers)
            yield entries.values().view(len(absent), self.heads, -1)


class DenseProducts:
    """Keys and values gathered for a block of targets, times rows of all heads.

    They are gathered once more for the gradient instead of being kept: they would be most of the memory of a
    training step, 2 I numbers for each slot and layer, where the weights are H. Products of whole rows that
    are zero outside a head save a copy that would collect the head's columns, and the copy costs more than
    the zeros.
    """

    def __init__(
        self, query: Tensor, memory: Tensor, own: Tensor, rows: HeadRows, d_values: Tensor | None
    ):
        self.rows, self.near, self.own = rows, rows.near, own
        self.memory, self.inner = memory, own.shape[1]
        self.query = self._by_head(query)
        self.d_values = None if d_values is None else self._by_head(d_values.flatten(1))

    def scores(self) -> Iterator[Tensor]:
        keys = self.near.of_sources(self.memory[:, : self.inner])
        for barrier, query, key in zip(self.rows.barriers, self.query, keys, strict=True):
            yield torch.baddbmm(barrier, query, key.transpose(1, 2))

    def weight_gradients(self) -> Iterator[Tensor]:
        values = self.near.of_sources(self.memory[:, self.inner :])
        for d_value, value in zip(self.d_values, values, strict=True):
            yield torch.bmm(d_value, value.transpose(1, 2))

    def query_gradient(self, d_scores: Sequence[Tensor]) -> Tensor:
        keys = self.near.of_sources(self.memory[:, : self.inner])
        rows = joined([torch.bmm(*each) for each in zip(d_scores, keys, strict=True)])
        heads = rows.unflatten(2, (len(self.own), -1))
        return heads.diagonal(dim1=1, dim2=2).transpose(1, 2).flatten(1)

    def memory_gradient(self, d_scores: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        gradients = (d_scores, self.query), (weights, self.d_values)
        parts = [self._of_slots(*each) for each in gradients]  # of keys, of values
        if self.near.source is None:  # slots are laid out as the rows are
            return torch.cat([joined(list(part)) for part in parts], dim=1)
        exact = torch.promote_types(self.memory.dtype, torch.float32)
        shape = len(parts), len(self.memory), self.inner  # rows to add to are contiguous, for speed
        sums = torch.zeros(shape, dtype=exact, device=self.memory.device)
        places = self.near.of_slots(self.near.source)
        for of, part in zip(sums, parts, strict=True):
            for place, rows in zip(places, part, strict=True):
                of.index_add_(0, place, rows.to(exact))
        return sums.transpose(0, 1).flatten(1).to(self.memory.dtype)

    def _of_slots(self, shares: Sequence[Tensor], rows: Sequence[Tensor]) -> Iterator[Tensor]:
        for share, row in zip(shares, rows, strict=True):
            yield torch.bmm(share.transpose(1, 2), row).flatten(0, 1)

    def _by_head(self, rows: Tensor) -> tuple[Tensor, ...]:
        return self.near.of_targets(rows[:, None] * self.own)
