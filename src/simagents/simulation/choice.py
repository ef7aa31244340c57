"""How an agent's action is chosen from its policy's distribution."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Num
from torch import Tensor

from simagents.config.algorithms import Sampling
from simagents.errors import InputError
from simagents.models.distribution import Distribution
from simagents.models.paths import AgentState, LoggedStates
from simagents.models.policy import ActionSpace
from simagents.simulation.draws import DrawKeys

Chosen = tuple[Num[Tensor, "N *D"], Tensor | None]
"""Actions, and the support that they were drawn from."""


@runtime_checkable
class Choice(Protocol):
    """How a rollout picks one action for every agent."""

    def __call__(self, distribution: Distribution, action: int, state: AgentState) -> Chosen:
        """`action` is the number of the action in the path; `state` is where the agents are."""
        ...


@dataclass(frozen=True)
class Sample:
    """Draw from the policy."""

    draws: DrawKeys
    sampling: Sampling

    def __call__(self, distribution: Distribution, action: int, state: AgentState) -> Chosen:
        drawn_from = distribution.drawn_by(self.sampling)
        return drawn_from.sample(self.draws.uniform(action, drawn_from.draws)), drawn_from.support


@dataclass(frozen=True)
class Likeliest:
    """No draws: the likeliest action."""

    def __call__(self, distribution: Distribution, action: int, state: AgentState) -> Chosen:
        return distribution.mode(), None


@dataclass(frozen=True)
class ClosestAmongTop:
    """CAT-K: of the K likeliest tokens, the one that ends nearest to the log.

    Zhang et al. 2025, arXiv:2412.05334, Eq. 5: the rollout stays likely under the policy and near
    the log. Where the log has no next pose, the likeliest token. Needs a discrete
    action space.
    """

    top_k: int
    actions: ActionSpace
    log: LoggedStates

    def __call__(self, distribution: Distribution, action: int, state: AgentState) -> Chosen:
        top = distribution.drawn_by(Sampling(top_k=self.top_k, temperature=1.0)).support
        if top is None or distribution.mode().is_floating_point():
            raise InputError("rollout `closest` needs a model with discrete actions.")
        closest = self.actions.nearest(state, self.log.pose[:, action + 1], top)
        return torch.where(self.log.valid[:, action + 1], closest, top[:, 0]), None
