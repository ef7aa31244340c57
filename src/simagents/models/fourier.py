"""Embeddings of a few real numbers."""

from collections.abc import Sequence
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor, nn


class FourierEmbedding(nn.Module):
    """Each scalar through learned frequencies and an MLP of its own; the branches are summed.

    QCNet (Zhou et al. 2023) as SMART uses it: features cos 2πfx, sin 2πfx, x; per scalar
    Linear-LayerNorm-ReLU-Linear; the sum, with any categorical embedding, through
    LayerNorm-ReLU-Linear. The branches' weights are stacked and run as one batched product; their
    last layers and the sum are one product over the concatenated branches.

    Angles and metres stay float32 through the first layer, also under bf16 autocast: a distance of
    60 m, or its product with a frequency, does not fit into 8 bits of mantissa.
    """

    def __init__(self, scalars: int, width: int, bands: int):
        super().__init__()
        self.frequency = nn.Parameter(torch.empty(scalars, bands).normal_(std=0.02))
        self.first_weight = nn.Parameter(torch.empty(scalars, 2 * bands + 1, width))
        self.first_bias = nn.Parameter(torch.zeros(scalars, 1, width))
        self.norm_weight = nn.Parameter(torch.ones(scalars, 1, width))
        self.norm_bias = nn.Parameter(torch.zeros(scalars, 1, width))
        self.second_weight = nn.Parameter(torch.empty(scalars, width, width))
        self.second_bias = nn.Parameter(torch.zeros(scalars, width))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width))
        for branch in range(scalars):
            nn.init.xavier_uniform_(self.first_weight[branch])
            nn.init.xavier_uniform_(self.second_weight[branch])

    def forward(
        self, x: Float[Tensor, "N scalars"], categorical: Float[Tensor, "N width"] | None = None
    ) -> Float[Tensor, "N width"]:
        # A few thousand rows at a time: the wide intermediates stay in the caches, which on a CPU
        # is worth more than the products themselves.
        if len(x) > _ROWS_AT_ONCE and x.device.type == "cpu":
            parts = x.split(_ROWS_AT_ONCE)
            extra = [None] * len(parts) if categorical is None else categorical.split(_ROWS_AT_ONCE)
            return torch.cat([self._embed(*part) for part in zip(parts, extra, strict=True)])
        return self._embed(x, categorical)

    def _embed(self, x: Tensor, categorical: Tensor | None) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            phase = 2 * pi * x.T[:, :, None] * self.frequency.float()[:, None]
            features = torch.cat([phase.cos(), phase.sin(), x.T[:, :, None]], dim=-1)
            hidden = torch.baddbmm(self.first_bias, features, self.first_weight)
        hidden = nn.functional.layer_norm(hidden, hidden.shape[-1:])
        hidden = torch.relu(hidden * self.norm_weight + self.norm_bias)
        joined = hidden.transpose(0, 1).flatten(1)
        summed = torch.addmm(self.second_bias.sum(dim=0), joined, self.second_weight.flatten(0, 1))
        return self.out(summed if categorical is None else summed + categorical)

    @torch.no_grad()
    def tabulated(self, low: Sequence[float], high: Sequence[float]) -> "TabulatedEmbedding":
        """The same function without gradients, by float32 tables over the range of every scalar."""
        with torch.autocast(self.frequency.device.type, enabled=False):
            return self._tabulate(low, high)

    def _tabulate(self, low: Sequence[float], high: Sequence[float]) -> "TabulatedEmbedding":
        grid = torch.linspace(0, 1, _TABLE_ROWS, device=self.frequency.device)
        rows = []
        for branch, (a, b) in enumerate(zip(low, high, strict=True)):
            x = a + (b - a) * grid
            phase = 2 * pi * x[:, None] * self.frequency[branch]
            features = torch.cat([phase.cos(), phase.sin(), x[:, None]], dim=-1)
            hidden = features @ self.first_weight[branch] + self.first_bias[branch]
            hidden = nn.functional.layer_norm(hidden, hidden.shape[-1:])
            hidden = torch.relu(hidden * self.norm_weight[branch] + self.norm_bias[branch])
            rows.append(hidden @ self.second_weight[branch] + self.second_bias[branch])
        return TabulatedEmbedding(torch.cat(rows), torch.tensor(low), torch.tensor(high), self.out)


class TabulatedEmbedding:
    """A `FourierEmbedding` whose branches, functions of one number each, are looked up.

    Linear interpolation between neighbouring rows: two rows a scalar instead of two layers. Only
    where its weights are not being trained; the error is stated in the tests.
    """

    def __init__(self, table: Tensor, low: Tensor, high: Tensor, out: nn.Module):
        self.table, self.out = table, out
        self.low = low.to(table)
        self.scale = (_TABLE_ROWS - 1) / (high.to(table) - self.low)
        self.first = torch.arange(len(low), device=table.device) * _TABLE_ROWS

    def __call__(self, x: Float[Tensor, "N scalars"]) -> Float[Tensor, "N width"]:
        place = ((x - self.low) * self.scale).clamp(0, _TABLE_ROWS - 1)
        below = place.floor().clamp(max=_TABLE_ROWS - 2)
        share = place - below
        row = below.long() + self.first
        summed = nn.functional.embedding_bag(
            torch.cat([row, row + 1], dim=-1), self.table, mode="sum",
            per_sample_weights=torch.cat([1 - share, share], dim=-1),
        )  # fmt: skip
        return self.out(summed)


_TABLE_ROWS = 4096
_ROWS_AT_ONCE = 4096


def mlp_embedding(inputs: int, width: int) -> nn.Sequential:
    """SMART's embedding of short vectors: three linear layers with LayerNorm and ReLU between."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU(),
        nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(),
        nn.Linear(width, width),
    )  # fmt: skip


def mlp_head(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """SMART's two-layer head, also used for agent sizes."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, outputs)
    )
