"""How far a policy has moved from its reference, per token.

The reverse divergence KL(π‖π_ref) is an average under the policy and shuns what the reference finds
unlikely; the forward one, KL(π_ref‖π), is an average under the reference and wants all of it
covered. An estimator has a value and a gradient, and they need not be of the same divergence.

| name | its mean under π | the mean of its gradient |
|---|---|---|
| `k1` | reverse | of the reverse divergence |
| `k3` | reverse | of the forward divergence |
| `exact_reverse` | is the reverse divergence | of the reverse divergence |
| `exact_forward` | is the forward divergence | of the forward divergence |

The exact ones are `Distribution.kl`. All are of the sampling distribution: truncated to its support,
at its temperature. Gradients are those of an action given its past; what an action does to later
divergences is not in them.
"""

from jaxtyping import Float
from torch import Tensor


def k1(logp: Float[Tensor, "*N"], logp_ref: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """log π - log π_ref, per token drawn from π; its mean is the reverse divergence.

    Schulman 2020, "Approximating KL divergence". Its own gradient ∇log π is zero on average and
    would hold the policy nowhere, so here the value keeps and the gradient is that of the score
    function, (log π - log π_ref) ∇log π, whose mean under π is ∇KL(π‖π_ref).
    """
    value = (logp - logp_ref).detach()
    return value * (logp - logp.detach()).exp()


def k3(logp: Float[Tensor, "*N"], logp_ref: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """ρ - log ρ - 1 with ρ = π_ref/π, per token drawn from π; never negative.

    Schulman 2020, "Approximating KL divergence"; the penalty of GRPO (Shao et al. 2024,
    arXiv:2402.03300, Eq. 4) and of MPO. Its mean is the reverse divergence; its gradient,
    (1 - ρ) ∇log π, has the mean ∇KL(π_ref‖π), that of the forward one. One printed account of MPO
    has the logarithm inverted, ρ + log ρ - 1, which is negative for ρ < 1 and estimates no
    divergence.
    """
    log_ratio = logp_ref - logp
    return log_ratio.exp() - log_ratio - 1


SAMPLED = {"k1": k1, "k3": k3}
"""Estimators that see the action that was drawn. The exact ones belong to the distributions."""
