"""The sum of later rewards: REINFORCE with credit by agent and step."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import RewardToGo


def credit(settings: RewardToGo, evidence: Evidence) -> Credit:
    """A reward of a whole rollout comes with its last action."""
    return Credit(to_go(evidence.by_action, discount=settings.discount))


def to_go(reward: Float[Tensor, "*N F"], *, discount: float) -> Float[Tensor, "*N F"]:
    """R_t = Σ_{t' ≥ t} γ^(t' - t) r_t': Peng et al. 2024, arXiv:2409.18343, Eq. 3."""
    later = torch.zeros_like(reward[..., 0])
    returns = torch.zeros_like(reward)
    for step in reversed(range(reward.shape[-1])):
        later = reward[..., step] + discount * later
        returns[..., step] = later
    return returns
