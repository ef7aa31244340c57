"""What an agent is, as features."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from simagents.scenarios.agent_class import CLASSES

BODY = 3 + len(CLASSES)
"""Number of these features."""


def body(size: Float[Tensor, "N 3"], agent_class: Int64[Tensor, "N"]) -> Float[Tensor, "N _"]:
    """Size (5 m) and class."""
    return torch.cat([size / 5, nn.functional.one_hot(agent_class, len(CLASSES)).float()], dim=-1)
