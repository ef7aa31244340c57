"""Credit rules: rewards -> advantages. One pure function a module, found by its name.

A module `NAME.py` has `credit(settings, evidence)`; its settings, with `rule: NAME`, are a class in
`config/credit.py`, or a class `Settings` in the same module for a rule of your own.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.config.credit import CreditSettings
from simagents.config.keys import module_of


@dataclass(frozen=True)
class Evidence:
    """What credit is computed from. S scenes, R rollouts of each, A agents, F actions.

    An axis has size 1 where the reward is the same along it. Nothing here has a gradient.
    """

    reward: Float[Tensor, "S R _ _"]
    actions: int
    """F"""
    without: Float[Tensor, "S R"] | None = None
    """the reward of the scene's other rollouts, for rules that need it"""
    value: Float[Tensor, "S R A F"] | None = None
    """what the value head expected before each action, for rules with one"""

    @property
    def by_action(self) -> Float[Tensor, "S R _ F"]:
        """The reward that comes with each action; one of a whole rollout comes with the last."""
        if self.reward.shape[-1] == self.actions:
            return self.reward
        rewards = self.reward.new_zeros(*self.reward.shape[:-1], self.actions)
        rewards[..., -1:] = self.reward
        return rewards


@dataclass(frozen=True)
class Credit:
    """What a rule makes of it."""

    advantage: Float[Tensor, "S R _ _"]
    """of every action"""
    returns: Float[Tensor, "S R A F"] | None = None
    """what the value head learns"""


def credit_of(settings: CreditSettings, evidence: Evidence) -> Credit:
    """The advantages under the rule of these settings."""
    with torch.no_grad():
        return module_of(settings, "simagents.algorithms.credit", "rule").credit(settings, evidence)
