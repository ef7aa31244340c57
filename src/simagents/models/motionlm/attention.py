"""Attention between sequences of padded slots."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class Attention(nn.Module):
    """Of all heads, each source with a key and a value that can be kept."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_target, self.norm_source = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.memory_of = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def memory(self, source: Float[Tensor, "B K D"]) -> Float[Tensor, "B K W"]:
        """Keys and values."""
        return self.memory_of(self.norm_source(source))

    def forward(
        self,
        x: Float[Tensor, "B L D"],
        memory: Float[Tensor, "B K W"],
        seen: Bool[Tensor, "#B 1 #L K"] | Float[Tensor, "#B H #L K"],
    ) -> Float[Tensor, "B L D"]:
        """The targets with what they found in those sources that they see, of which there is one at least.
        Numbers instead of yes or no are added to the scores."""
        query = self._by_head(self.query(self.norm_target(x)))
        key, value = (self._by_head(part) for part in memory.chunk(2, dim=-1))
        if seen.is_floating_point():
            seen = seen.to(query.dtype)
        found = scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return x + self.out(found.transpose(1, 2).flatten(2))

    def _by_head(self, x: Float[Tensor, "B L D"]) -> Float[Tensor, "B H L d"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def nearer_the_more(
    seen: Bool[Tensor, "#B 1 #L K"], away: Float[Tensor, "B L K"], heads: int
) -> Float[Tensor, "B {heads} L K"]:
    """What to add to scores so that they fall with the distance (m): by 1/2 a metre in the first head, and a
    fourth of the rate before it in each further one (ALiBi, Press et al. 2022, arXiv:2108.12409, for places)."""
    rate = 0.5 / 4 ** torch.arange(heads, device=away.device)
    return (-rate[:, None, None] * away[:, None]).masked_fill(~seen, -torch.inf)


class FeedForward(nn.Module):
    """The other half of a layer."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width)
        )

    def forward(self, x: Float[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        return x + self.layers(x)
