"""Estimates of how far a policy has moved from its reference."""

from jaxtyping import Float
from torch import Tensor


def k3(logp: Float[Tensor, "*N"], logp_ref: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """ρ - log ρ - 1 with ρ = π_ref/π, per token drawn from π; never negative.

    Schulman 2020, "Approximating KL divergence"; the penalty of GRPO (Shao et al. 2024,
    arXiv:2402.03300, Eq. 4) and of MPO. One printed account of MPO has the logarithm inverted,
    ρ + log ρ - 1, which is negative for ρ < 1 and estimates no divergence.
    """
    log_ratio = logp_ref - logp
    return log_ratio.exp() - log_ratio - 1
