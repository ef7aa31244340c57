"""Attention whose keys and values know how source and target lie to one another."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.models.relations import Relations

Memory = tuple[Float[Tensor, "S H"], Float[Tensor, "S H"]]
"""Keys and values of S sources, heads side by side."""


class RelationAttention(nn.Module):
    """QCNet's gated graph attention with a feed-forward block, the layer of SMART.

    With edge embedding r, keys are k + Wk r and values v + Wv r. Nothing is projected per edge:
    `q·(k + Wk r) = q·k + (Wkᵀq)·r` and `Σ a (v + Wv r) = Σ a v + Wv (Σ a r)`, per head, so an edge
    costs H products of width D where the plain form costs two D x D matrices. The scale and shift
    of r's LayerNorm are folded into Wk and Wv; the shift's part of the score is the same for all
    sources of a target and cancels in the softmax.

    A bipartite layer normalises sources and targets separately. The heads together may be narrower
    than what they look at. Dropout acts on attention weights and inside the feed-forward block.
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
        """Keys and values of sources; computed once however many targets look at them."""
        source = self.norm_source(source)
        return self.key(source), self.value(source)

    def forward(
        self, x: Float[Tensor, "N D"], memory: Memory, relations: Relations
    ) -> Float[Tensor, "N D"]:
        """The targets after looking at their sources. A target without sources keeps to itself."""
        target = (self.norm_target or self.norm_source)(x)
        gathered = self._gather(target, memory, relations)
        gate = torch.sigmoid(self.gate(torch.cat([gathered, target], dim=-1)))
        mixed = gathered + gate * (self.itself(target) - gathered)
        x = x + self.norm_after(self.out(mixed))
        return x + self.norm_after_feed(self.feed(self.norm_before_feed(x)))

    def _gather(self, target: Tensor, memory: Memory, relations: Relations) -> Tensor:
        n, width = target.shape
        inner = self.heads * self.head_width
        if not relations.present:
            return target.new_zeros(n, inner)
        query = self.query(target) * self.head_width**-0.5
        scale, shift = self.norm_relation.weight, self.norm_relation.bias
        to_score = (self.relation_key.weight * scale).view(self.heads, -1, width)
        seen_by = torch.einsum("nhd,hdc->nhc", query.view(n, self.heads, -1), to_score)
        # Each head's query, zero outside its head: a product of whole rows then needs no copy that
        # brings heads together, which costs more than the zeros.
        own = torch.eye(self.heads, device=target.device, dtype=query.dtype)
        own = own.repeat_interleave(self.head_width, dim=1)
        asked = query[:, None] * own
        parts, sums, shares = [], [], []
        for asks, sees, present, relation, keys, values in zip(
            relations.of_targets(asked), relations.of_targets(seen_by), relations.present,
            relations.relation, *map(relations.of_sources, memory), strict=True,
        ):  # fmt: skip
            score = torch.baddbmm(asks @ keys.transpose(1, 2), sees, relation.transpose(1, 2))
            score = score.masked_fill(~present[:, None], -torch.inf)
            weight = score.softmax(dim=-1)
            weight = nn.functional.dropout(weight, self.dropout, self.training)
            parts.append((torch.bmm(weight.to(values.dtype), values) * own).sum(dim=1))
            sums.append(torch.bmm(weight.to(relation.dtype), relation))
            shares.append(weight.sum(dim=-1))
        from_value = (self.relation_value.weight * scale).view(self.heads, -1, width)
        constant = (self.relation_value.weight @ shift + self.relation_value.bias).view(
            self.heads, -1
        )
        found = torch.einsum("nhc,hdc->nhd", torch.cat(sums), from_value)
        found = found + torch.cat(shares)[..., None] * constant
        found = torch.cat(parts) + found.flatten(1)
        result = torch.zeros(n, inner, dtype=found.dtype, device=target.device)
        return result.index_copy(0, relations.target, found)
