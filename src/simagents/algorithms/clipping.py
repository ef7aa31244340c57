"""The clipped surrogate that PPO and GRPO share."""

import torch
from jaxtyping import Float
from torch import Tensor


def clipped_gain(
    logp: Float[Tensor, "*N"],
    logp_old: Float[Tensor, "*N"],
    advantage: Float[Tensor, "*N"],
    clip: float,
) -> tuple[Float[Tensor, "*N"], Float[Tensor, "*N"]]:
    """min(u A, clip(u, 1 - ε, 1 + ε) A) with u = π/π_old, and where the clip took the gradient away.

    Schulman et al. 2017, arXiv:1707.06347, Eq. 7, per token. At u = 1 its gradient is A ∇log π.
    """
    ratio = (logp - logp_old).exp()
    plain, bounded = ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage
    return torch.minimum(plain, bounded), (bounded < plain).float()
