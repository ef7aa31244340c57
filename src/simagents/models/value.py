"""A value head: the expected future reward, from the policy's features."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.models.perceptrons import mlp_head


class ValueHead(nn.Module):
    """Two layers on the features that the policy's own head reads; attached in training only.

    No gradient flows from it into the features, because at first the error of a value is a hundred
    times the policy's own gradient. Its last weights start at zero, so that every value starts at
    `start`.
    """

    def __init__(self, width: int, seed: int, start: float = 0.0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = mlp_head(width, width, 1)
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.constant_(self.layers[-1].bias, start)

    def forward(self, features: Float[Tensor, "N width"]) -> Float[Tensor, "N"]:
        # bfloat16 has steps of 0.004 near a reward of 0.8, as much as values differ at first.
        with torch.autocast(features.device.type, enabled=False):
            return self.layers(features.detach().float()).squeeze(-1)
