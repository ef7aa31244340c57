"""Group-relative policy optimisation (GRPO)."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.clipping import clipped_gain
from simagents.algorithms.weights import weighted

Tokens = Float[Tensor, "S R A T"]


def grpo_loss(
    logp: Tokens,
    logp_old: Tokens,
    divergence: Tokens,
    reward: Float[Tensor, "S R"],
    weight: Tokens,
    *,
    clip: float,
    beta: float,
    divide_by_deviation: bool,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Clipped policy gradient whose baseline is the mean of the rollout's siblings.

    Shao et al. 2024, arXiv:2402.03300, Eq. 3, with the penalty of their Eq. 4 as `divergence`:
    A = (r - mean r) / (std r + 1e-6) over the rollouts of a scene. `divide_by_deviation: false`
    leaves the mean alone: division makes as much of a scene whose rollouts are nearly alike as of
    one with an accident in it (Liu et al. 2025, arXiv:2503.20783). Rewards have to differ within a
    scene; with the scene's own meta-metric there is nothing to learn.

    S scenes, R rollouts of each, A agents, T tokens. `weight` is the paper's mean over each
    rollout's tokens, then over rollouts.
    """
    spread = reward.std(dim=1, correction=0, keepdim=True)
    advantage = reward - reward.mean(dim=1, keepdim=True)
    if divide_by_deviation:
        advantage = advantage / (spread + 1e-6)
    advantage = advantage[:, :, None, None].expand_as(logp)
    gain, clipped = clipped_gain(logp, logp_old, advantage, clip)
    loss = weighted(weight, beta * divergence - gain)
    with torch.no_grad():
        stats = {
            "clipped": weighted(weight, clipped),
            "spread": weighted(weight, spread[:, :, None, None].expand_as(weight)),
        }
    return loss, stats
