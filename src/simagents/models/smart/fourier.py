"""Embeddings of a few real numbers."""

from collections.abc import Sequence
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.errors import InputError


class FourierEmbedding(nn.Module):
    """Each scalar through learned frequencies and an MLP of its own; the branches are summed.

    QCNet (Zhou et al. 2023) as SMART uses it: features cos 2πfx, sin 2πfx, x; per scalar
    Linear-LayerNorm-ReLU-Linear; the sum, with any categorical embedding, through
    LayerNorm-ReLU-Linear. The branches' weights are stacked and run as one batched product; their
    last layers and the sum are one product over the concatenated branches.

    Angles and metres stay float32 through the first layer, also under bf16 autocast: a distance of
    60 m, or its product with a frequency, does not fit into 8 bits of mantissa.

    `deviation` is that of the initial frequencies, 0.02 in the published code.
    """

    def __init__(self, scalars: int, width: int, bands: int, deviation: float):
        super().__init__()
        self.frequency = nn.Parameter(torch.empty(scalars, bands).normal_(std=deviation))
        self.first_weight = nn.Parameter(torch.empty(scalars, 2 * bands + 1, width))
        self.first_bias = nn.Parameter(torch.zeros(scalars, 1, width))
        self.norm_weight = nn.Parameter(torch.ones(scalars, 1, width))
        self.norm_bias = nn.Parameter(torch.zeros(scalars, 1, width))
        self.second_weight = nn.Parameter(torch.empty(scalars, width, width))
        self.second_bias = nn.Parameter(torch.zeros(scalars, width))
        self.out = nn.Sequential(
            nn.LayerNorm(width), nn.ReLU(inplace=True), nn.Linear(width, width)
        )
        for branch in range(scalars):
            nn.init.xavier_uniform_(self.first_weight[branch])
            nn.init.xavier_uniform_(self.second_weight[branch])

    def forward(
        self, x: Float[Tensor, "N scalars"], categorical: Float[Tensor, "N width"] | None = None
    ) -> Float[Tensor, "N width"]:
        hidden = self._hidden(x)
        joined = hidden.transpose(0, 1).flatten(1)
        summed = torch.addmm(self.second_bias.sum(dim=0), joined, self.second_weight.flatten(0, 1))
        return self.out(summed if categorical is None else summed + categorical)

    def _hidden(self, x: Float[Tensor, "N scalars"]) -> Float[Tensor, "scalars N width"]:
        """The branches up to their last layer."""
        with torch.autocast(x.device.type, enabled=False):
            phase = 2 * pi * x.T[:, :, None] * self.frequency[:, None]
            features = torch.cat([phase.cos(), phase.sin(), x.T[:, :, None]], dim=-1)
            hidden = torch.baddbmm(self.first_bias, features, self.first_weight)
        hidden = nn.functional.layer_norm(hidden, hidden.shape[-1:])
        return torch.addcmul(self.norm_bias, hidden, self.norm_weight).relu_()

    def tabulated(
        self, low: Sequence[float], high: Sequence[float], rows: int
    ) -> "TabulatedEmbedding":
        """The same function by tables of `rows`, two at least, over the range of every scalar.

        Outside its range a scalar counts as its nearer end. Gradients go through the tables to the
        weights.
        """
        if rows < 2:
            raise InputError(f"tables of {rows} row: interpolation needs two (`relation_rows`).")
        low, high = (torch.tensor(end, device=self.frequency.device) for end in (low, high))
        with torch.autocast(self.frequency.device.type, enabled=False):
            grid = torch.linspace(0, 1, rows, device=low.device)[:, None]
            hidden = self._hidden(low + (high - low) * grid)
            table = torch.baddbmm(self.second_bias[:, None], hidden, self.second_weight)
        return TabulatedEmbedding(table, low, high, self.out)


class TabulatedEmbedding:
    """A `FourierEmbedding` whose branches, functions of one number each, are looked up.

    Linear interpolation between neighbouring rows: two rows a scalar instead of two layers, so that
    an edge costs one layer instead of seven. With 4,096 rows outputs of order 1 are off by less than
    1e-4 (`tests/models/test_fourier.py`; for a whole model, `test_equivalence.py`).
    """

    def __init__(self, table: Tensor, low: Tensor, high: Tensor, out: nn.Module):
        scalars, self.rows, _ = table.shape
        self.table, self.out, self.low = table.flatten(0, 1), out, low
        self.scale = (self.rows - 1) / (high - low)
        self.first = torch.arange(scalars, device=table.device) * self.rows

    def __call__(self, x: Float[Tensor, "N scalars"]) -> Float[Tensor, "N width"]:
        place = ((x - self.low) * self.scale).clamp(0, self.rows - 1)
        below = place.floor().clamp(max=self.rows - 2)
        share = place - below
        row = below.long() + self.first
        summed = nn.functional.embedding_bag(
            torch.cat([row, row + 1], dim=-1), self.table, mode="sum",
            per_sample_weights=torch.cat([1 - share, share], dim=-1),
        )  # fmt: skip
        return self.out(summed)
