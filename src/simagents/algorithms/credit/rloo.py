"""Reward minus the mean of the other rollouts: REINFORCE leave-one-out."""

from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import Rloo


def credit(settings: Rloo, evidence: Evidence) -> Credit:
    """Over the rollouts of a scene."""
    return Credit(leave_one_out(evidence.reward))


def leave_one_out(reward: Float[Tensor, "S R *N"]) -> Float[Tensor, "S R *N"]:
    """A_i = r_i - 1/(R - 1) Σ_{j≠i} r_j: Kool et al. 2019; Ahmadian et al. 2024, arXiv:2402.14740.

    The baseline does not depend on rollout i, so the gradient is unbiased; advantages of a scene
    add up to zero. R is at least 2.
    """
    rollouts = reward.shape[1]
    return (reward - reward.mean(dim=1, keepdim=True)) * (rollouts / (rollouts - 1))
