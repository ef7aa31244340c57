"""Direct preference optimisation (DPO)."""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import softplus


def best_and_worst(
    reward: Float[Tensor, "S R"], least_gap: float
) -> tuple[Int64[Tensor, "S 2"], Bool[Tensor, "S"]]:
    """The rollouts with the highest and the lowest reward of each scene, and where they differ enough."""
    most, best = reward.max(dim=1)
    least, worst = reward.min(dim=1)
    return torch.stack([best, worst], dim=1), most - least >= least_gap


def dpo_loss(
    logp: Float[Tensor, "S 2 A T"],
    logp_ref: Float[Tensor, "S 2 A T"],
    mean: Float[Tensor, "S 2 A T"],
    share: Float[Tensor, "S"],
    *,
    beta: float,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Make the better rollout of a pair likelier, relative to the reference, than the worse one.

    Rafailov et al. 2023, arXiv:2305.18290, Eq. 7: -log σ(β (Δ_better - Δ_worse)). There Δ is the
    sum of log π/π_ref over a sequence; here it is the mean over the rollout's tokens, since the
    sum over all agents and tokens, thousands of terms, saturates σ. So β is larger by as much.

    S scenes, each with the better rollout first; A agents, T tokens. `mean` weighs the tokens of
    each rollout and sums to 1 over them; `share` is 1 / pairs of the global batch, 0 for a pair
    that is left out.
    """
    log_ratio = (mean * torch.where(mean > 0, logp - logp_ref, 0.0)).sum(dim=(-2, -1))
    margin = beta * (log_ratio[:, 0] - log_ratio[:, 1])
    loss = (share * softplus(-margin)).sum()
    with torch.no_grad():
        stats = {
            "margin": (share * margin).sum(),
            "preferred": (share * (margin > 0)).sum(),
        }
    return loss, stats
