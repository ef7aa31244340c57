"""Metric-oriented policy optimisation (MPO)."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.weights import weighted

Tokens = Float[Tensor, "S R A T"]


def mpo_loss(
    logp: Tokens,
    divergence: Tokens,
    reward: Float[Tensor, "S R"],
    weight: Tokens,
    *,
    alpha: float,
    beta: float,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Reinforce what scores above `alpha`, suppress what scores below, stay near the reference.

    SMART-R1 (Pei, Shi, Shen 2025, arXiv:2509.23993), Eqs. 4-5: advantage A = r - α, and per token
    π/sg(π) A - β (ρ - log ρ - 1). One on-policy update, so the ratio is 1 and its gradient that of
    log π: REINFORCE with a constant baseline. The paper does not say how tokens are averaged; here
    it is what `weight` says: a mean over each rollout's tokens, then over rollouts (our choice).
    `divergence` is the paper's with the recipe's `divergence: k3`; others are in `kl.py`.

    S scenes, R rollouts of each, A agents, T tokens. `reward` is the realism meta-metric of the
    scene, the same for all its rollouts, or that of a group or of each rollout.
    """
    advantage = (reward - alpha)[:, :, None, None]
    ratio = (logp - logp.detach()).exp()
    loss = weighted(weight, beta * divergence - ratio * advantage)
    with torch.no_grad():
        stats = {
            "advantage": weighted(weight, advantage.expand_as(weight)),
            "positive": weighted(weight, (advantage > 0).float().expand_as(weight)),
        }
    return loss, stats
