"""Attention of every target to its nearest sources, with their relative poses."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class NearestAttention(nn.Module):
    """One block: attention to K gathered sources, then a feed-forward layer.

    Keys and values are those of a source plus those of its relative pose (Zhang et al. 2023,
    HPTR, arXiv:2310.12970). Nothing is projected for each pair: a product of the query with the projected
    relation is one of the projected query with the relation, and sums of values likewise. A source that
    scores 0 and adds nothing is always there, so that a target without sources keeps what it is.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_source, self.norm_target = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.memory_of = nn.Linear(width, 2 * width)
        self.relation_key = nn.Linear(width, width, bias=False)
        self.relation_value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)
        self.feed = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )
        own = torch.eye(heads).repeat_interleave(width // heads, dim=1)
        self.register_buffer("own", own, persistent=False)

    def memory(self, source: Float[Tensor, "*S D"]) -> Float[Tensor, "*S W"]:
        """Keys and values of sources."""
        return self.memory_of(self.norm_source(source))

    def forward(
        self,
        x: Float[Tensor, "*N D"],
        memory: Float[Tensor, "*N K W"],
        relation: Float[Tensor, "*N K D"],
        present: Bool[Tensor, "*N K"],
    ) -> Float[Tensor, "*N D"]:
        """The targets after attending to those of their sources that are present."""
        width = x.shape[-1]
        query = self.query(self.norm_target(x)) * (width // self.heads) ** -0.5
        # Rows of whole width that are zero outside their head: one product for all heads.
        by_head = query[..., None, :] * self.own.to(query.dtype)
        to_relation = by_head @ self.relation_key.weight
        key, value = memory.chunk(2, dim=-1)
        score = by_head @ key.transpose(-1, -2) + to_relation @ relation.transpose(-1, -2)
        score = score.float().masked_fill(~present[..., None, :], -torch.inf)
        weight = nn.functional.pad(score, (0, 1)).softmax(dim=-1)[..., :-1].to(key.dtype)
        mixed = weight @ value + self.relation_value(weight @ relation)
        x = x + self.out((mixed * self.own.to(mixed.dtype)).sum(dim=-2))
        return x + self.feed(x)
