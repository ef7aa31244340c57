"""A value head: what the policy's features say about the reward to come."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.models.perceptrons import mlp_head


class ValueHead(nn.Module):
    """Two layers on the features that the policy's own head reads; attached in training only.

    It reads them without teaching them: at its start the error of a value is a hundred times the
    policy's own gradient, which would drown in it. Its last layer starts at zero: before anything
    is learned it expects nothing, for everyone.
    """

    def __init__(self, width: int, seed: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = mlp_head(width, width, 1)
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, features: Float[Tensor, "N width"]) -> Float[Tensor, "N"]:
        return self.layers(features.detach()).squeeze(-1).float()
