"""Reward minus the mean of the rollout's siblings: the credit of GRPO."""

from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import SceneMean


def credit(settings: SceneMean, evidence: Evidence) -> Credit:
    """Over the rollouts of a scene."""
    divide = settings.divide_by_deviation
    return Credit(relative(evidence.reward, divide_by_deviation=divide))


def relative(
    reward: Float[Tensor, "S R *N"], *, divide_by_deviation: bool
) -> Float[Tensor, "S R *N"]:
    """A = (r - mean r) / (std r + 1e-6): Shao et al. 2024, arXiv:2402.03300, section 4.1.2.

    Without the division, as Liu et al. 2025 (arXiv:2503.20783) advise: division gives a scene whose
    rollouts are nearly alike as much weight as one with an accident in it. Rewards have to differ
    within a scene; the meta-metric of all its rollouts gives zero.
    """
    advantage = reward - reward.mean(dim=1, keepdim=True)
    if divide_by_deviation:
        advantage = advantage / (reward.std(dim=1, correction=0, keepdim=True) + 1e-6)
    return advantage
