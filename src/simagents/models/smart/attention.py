"""Attention whose keys and values depend on the relative pose of source and target."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.models.smart.relations import Relations

Memory = tuple[Float[Tensor, "S H"], Float[Tensor, "S H"]]
"""Keys and values of S sources, heads side by side."""


class RelationAttention(nn.Module):
    """QCNet's gated graph attention with a feed-forward block, the layer of SMART.

    With edge embedding r, keys are k + Wk r and values v + Wv r. Nothing is projected per edge:
    `q·(k + Wk r) = q·k + (Wkᵀq)·r` and `Σ a (v + Wv r) = Σ a v + Wv (Σ a r)`, per head, so an edge
    costs four products of width D at most a head where the plain form costs two D x D matrices. The
    scale and shift of r's LayerNorm are folded into Wk and Wv; the shift's part of the score is the
    same for all sources of a target and cancels in the softmax.

    N targets, S sources, D = width; inside, n targets of H heads with d channels each. A bipartite
    layer normalises sources and targets separately. The heads together may be narrower than
    their input. Dropout acts on attention weights and inside the feed-forward block.
    """

    def __init__(self, width: int, heads: int, head_width: int, dropout: float, bipartite: bool):
        super().__init__()
        self.heads = heads
        self.head_width = head_width
        self.dropout = dropout
        inner = heads * head_width
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(width, inner, bias=False)
        self.value = nn.Linear(width, inner)
        self.relation_key = nn.Linear(width, inner, bias=False)
        self.relation_value = nn.Linear(width, inner)
        self.itself = nn.Linear(width, inner)
        self.gate = nn.Linear(inner + width, inner)
        self.out = nn.Linear(inner, width)
        self.norm_source = nn.LayerNorm(width)
        self.norm_target = nn.LayerNorm(width) if bipartite else None
        self.norm_relation = nn.LayerNorm(width)
        self.norm_after = nn.LayerNorm(width)
        self.norm_before_feed = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.norm_after_feed = nn.LayerNorm(width)

    def memory(self, source: Float[Tensor, "S D"]) -> Memory:
        """Keys and values of sources; computed once for all targets that attend to them."""
        source = self.norm_source(source)
        return self.key(source), self.value(source)

    def forward(
        self, x: Float[Tensor, "N D"], memory: Memory, relations: Relations
    ) -> Float[Tensor, "N D"]:
        """The targets after attending to their sources. A target without sources uses its own features."""
        target = (self.norm_target or self.norm_source)(x)
        gathered = self._gather(target, memory, relations)
        gate = torch.sigmoid(self.gate(torch.cat([gathered, target], dim=-1)))
        mixed = gathered + gate * (self.itself(target) - gathered)
        x = x + self.norm_after(self.out(mixed))
        return x + self.norm_after_feed(self.feed(self.norm_before_feed(x)))

    def _gather(self, target: Tensor, memory: Memory, relations: Relations) -> Tensor:
        n, width = target.shape
        if not relations.present:
            return target.new_zeros(n, self.heads * self.head_width)
        keys, values = memory
        query = self.query(target) * self.head_width**-0.5
        scale, shift = self.norm_relation.weight, self.norm_relation.bias
        to_score = (self.relation_key.weight * scale).view(self.heads, -1, width)
        to_relations = torch.einsum("nhd,hdc->nhc", query.view(n, self.heads, -1), to_score)
        by_head = query[:, None] * self._own(query)
        weights, sums = [], []
        for queries, to_relation, present, relation, key in zip(
            relations.of_targets(by_head), relations.of_targets(to_relations), relations.present,
            relations.relation, relations.of_sources(keys), strict=True,
        ):  # fmt: skip
            score = torch.baddbmm(
                queries @ key.transpose(1, 2), to_relation, relation.transpose(1, 2)
            )
            score = score.masked_fill(~present[:, None], -torch.inf)
            weight = score.softmax(dim=-1)
            weight = nn.functional.dropout(weight, self.dropout, self.training)
            weights.append(weight)
            sums.append(torch.bmm(weight.to(relation.dtype), relation))
        from_value = (self.relation_value.weight * scale).view(self.heads, -1, width)
        constant = (self.relation_value.weight @ shift + self.relation_value.bias).view(
            self.heads, -1
        )
        gathered = torch.einsum("nhc,hdc->nhd", torch.cat(sums), from_value)
        shares = torch.cat([weight.sum(dim=-1) for weight in weights])
        gathered = gathered + shares[..., None] * constant
        gathered = self._mixed(weights, values, relations) + gathered.flatten(1)
        result = torch.zeros(n, gathered.shape[-1], dtype=gathered.dtype, device=target.device)
        return result.index_copy(0, relations.target, gathered)

    def _mixed(self, weights: list[Tensor], values: Tensor, relations: Relations) -> Tensor:
        """Σ a v of all targets that have sources, group by group."""
        if torch.is_grad_enabled():
            own = self._own(values)
            parts = [
                (torch.bmm(weight.to(value.dtype), value) * own).sum(dim=1)
                for weight, value in zip(weights, relations.of_sources(values), strict=True)
            ]
            return torch.cat(parts)
        # Weighted sums of rows of a table, without a copy of the rows. Without gradients this costs a
        # tenth of gathering and multiplying; with gradients it would cost more.
        table = values.reshape(-1, self.head_width)
        head = torch.arange(self.heads, device=values.device)[:, None]
        parts = []
        for weight, source in zip(weights, relations.of_slots(relations.source), strict=True):
            n, _, slots = weight.shape
            rows = source.view(n, 1, slots) * self.heads + head
            mixed = nn.functional.embedding_bag(
                rows.flatten(0, 1), table, mode="sum",
                per_sample_weights=weight.to(table.dtype).flatten(0, 1),
            )  # fmt: skip
            parts.append(mixed.view(n, -1))
        return torch.cat(parts)

    def _own(self, like: Tensor) -> Tensor:
        """[H, H d]: each head's columns. A product of whole rows that are zero outside the head saves
        a copy that would collect the head's columns, and the copy costs more than the zeros."""
        own = torch.eye(self.heads, device=like.device, dtype=like.dtype)
        return own.repeat_interleave(self.head_width, dim=1)
