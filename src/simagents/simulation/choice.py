"""Which action an agent takes, given what its policy says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from simagents.counter import key_of, uniform
from simagents.models.batch import Paths, SceneBatch
from simagents.models.distribution import Sampling, TokenDistribution
from simagents.models.policy import ActionSpace


@runtime_checkable
class Choice(Protocol):
    """How a rollout picks one action for every agent."""

    def __call__(
        self,
        distribution: TokenDistribution,
        step: int,
        agent_class: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
    ) -> Int64[Tensor, "N"]:
        """`step` counts tokens; the first simulated one is 2. `pose` is where the agents stand."""
        ...


class DrawKeys:
    """What the draws of every path are keyed by: (seed, scenario, rollout, step, agent).

    `seed` is one for all scenes, or one for each.
    """

    def __init__(
        self,
        seed: int | np.ndarray,
        scenario_ids: Sequence[str],
        scenes: SceneBatch,
        paths: Paths,
        first_rollout: int = 0,
    ):
        scene = scenes.agent_scene[paths.agent].cpu().numpy()
        worlds = int(paths.world.max()) + 1
        rollouts = worlds // scenes.scenes
        first_agent = np.searchsorted(scenes.agent_scene.cpu().numpy(), np.arange(scenes.scenes))
        keys = np.array([key_of(name) for name in scenario_ids], dtype=np.uint64)
        self.seed = np.broadcast_to(np.asarray(seed, np.uint64), scenes.scenes)[scene]
        self.key = keys[scene]
        self.rollout = paths.world.cpu().numpy() % rollouts + first_rollout
        self.agent = paths.agent.cpu().numpy() - first_agent[scene]
        self.device = paths.pose.device

    def uniform(self, step: int) -> Float64[Tensor, "N"]:
        """A number in [0, 1) for every path."""
        draws = uniform(self.seed, self.key, self.rollout, step, self.agent)
        return torch.from_numpy(draws).to(self.device)


@dataclass(frozen=True)
class Sample:
    """Draw from the policy."""

    draws: DrawKeys
    sampling: Sampling
    supports: list[Int64[Tensor, "N K"]] | None = None
    """where to keep, for every step, which tokens could have been drawn; None: nowhere"""

    def __call__(
        self, distribution: TokenDistribution, step: int, agent_class: Tensor, pose: Tensor
    ) -> Int64[Tensor, "N"]:
        support = distribution.support(self.sampling)
        if self.supports is not None:
            self.supports.append(support)
        return distribution.sample(self.draws.uniform(step), self.sampling, support)


@dataclass(frozen=True)
class Likeliest:
    """No draws: the token that the policy finds likeliest."""

    def __call__(
        self, distribution: TokenDistribution, step: int, agent_class: Tensor, pose: Tensor
    ) -> Int64[Tensor, "N"]:
        return distribution.logits.argmax(dim=-1)


@dataclass(frozen=True)
class ClosestAmongTop:
    """CAT-K: of the K likeliest tokens, the one that ends nearest to the log.

    Zhang et al. 2025, arXiv:2412.05334, Eq. 5: the rollout stays where the policy may go and near
    what really happened. Where the log has no next pose, the likeliest token.
    """

    top_k: int
    actions: ActionSpace
    logged: Float[Tensor, "N B 3"]
    logged_valid: Bool[Tensor, "N B"]

    def __call__(
        self, distribution: TokenDistribution, step: int, agent_class: Tensor, pose: Tensor
    ) -> Int64[Tensor, "N"]:
        top = distribution.support(Sampling(self.top_k, 1.0))
        closest = self.actions.nearest(agent_class, pose, self.logged[:, step + 1], top)
        return torch.where(self.logged_valid[:, step + 1], closest, top[:, 0])
