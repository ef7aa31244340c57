"""What a mean is taken over."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def token_mean(valid: Bool[Tensor, "*N T"], total: float) -> Float[Tensor, "*N T"]:
    """Every valid token counts alike; `total` valid tokens are in the global batch."""
    return valid.float() / max(total, 1.0)


def rollout_mean(valid: Bool[Tensor, "W A T"], total: float) -> Float[Tensor, "W A T"]:
    """The mean over each rollout's tokens, then over the `total` rollouts of the global batch."""
    tokens = valid.sum(dim=(-2, -1), keepdim=True).clamp(min=1)
    return valid.float() / tokens / max(total, 1.0)


def weighted(weight: Tensor, term: Tensor) -> Tensor:
    """The weighted sum; terms of weight zero may be anything, infinite or NaN included."""
    return (weight * torch.where(weight > 0, term, 0.0)).sum()
