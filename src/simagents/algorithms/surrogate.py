"""What a policy gradient maximises, given advantages."""

import torch
from jaxtyping import Float
from torch import Tensor


def on_policy_gain(
    logp: Float[Tensor, "*N"], advantage: Float[Tensor, "*#N"]
) -> Float[Tensor, "*N"]:
    """π/sg(π) A, whose value is A and whose gradient is A ∇log π: REINFORCE (Williams 1992)."""
    ratio = (logp - logp.detach()).exp()
    return ratio * advantage


def clipped_gain(
    logp: Float[Tensor, "*N"],
    logp_old: Float[Tensor, "*N"],
    advantage: Float[Tensor, "*#N"],
    clip: float,
) -> tuple[Float[Tensor, "*N"], Float[Tensor, "*N"]]:
    """min(u A, clip(u, 1 - ε, 1 + ε) A) with u = π/π_old, and where clipping zeroed the gradient.

    Schulman et al. 2017, arXiv:1707.06347, Eq. 7, per action. At u = 1 its gradient is A ∇log π.
    """
    ratio = (logp - logp_old).exp()
    plain, bounded = ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage
    return torch.minimum(plain, bounded), (bounded < plain).float()
