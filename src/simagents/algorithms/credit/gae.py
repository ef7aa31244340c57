"""Generalised advantage estimation: the credit of PPO."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import Gae


def credit(settings: Gae, evidence: Evidence) -> Credit:
    """A reward of a whole rollout comes with its last action, to every agent."""
    advantage, returns = advantages(
        evidence.by_action.expand_as(evidence.value),
        evidence.value,
        discount=settings.discount,
        gae_lambda=settings.gae_lambda,
    )
    return Credit(advantage, returns)


def advantages(
    reward: Float[Tensor, "*N F"],
    value: Float[Tensor, "*N F"],
    *,
    discount: float,
    gae_lambda: float,
) -> tuple[Float[Tensor, "*N F"], Float[Tensor, "*N F"]]:
    """(advantage, return) of every action.

    Schulman et al. 2016, arXiv:1506.02438, Eq. 16: δ_t = r_t + γ V_{t+1} - V_t and
    A_t = δ_t + γλ A_{t+1}, backwards from the end, behind which everything is zero. The return that
    V learns is A + V. With γ = λ = 1 and a reward at the end it is that reward at every action.

    `value` is V before each of the F actions of a path, without gradient.
    """
    after = torch.cat([value[..., 1:], torch.zeros_like(value[..., :1])], dim=-1)
    change = reward + discount * after - value
    advantage = torch.zeros_like(value)
    ahead = torch.zeros_like(value[..., 0])
    for step in reversed(range(value.shape[-1])):
        ahead = change[..., step] + discount * gae_lambda * ahead
        advantage[..., step] = ahead
    return advantage, advantage + value
