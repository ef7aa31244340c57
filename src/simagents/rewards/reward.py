"""The contract of rewards, and the reward of some settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from simagents.config.keys import module_of
from simagents.config.rewards import RewardSettings
from simagents.scenarios.scenario import Scenario


@dataclass(frozen=True)
class Rewards:
    """Of R rollouts of S scenes. A is the most agents of a scene; scenes with fewer are padded.

    An axis has size 1 where the reward is the same along it.
    """

    total: Float[Tensor, "S R _ _"]
    """what learning maximises, by scene, rollout, agent (or 1) and log step of 0.1 s (or 1)"""
    terms: dict[str, Tensor] = field(default_factory=dict)
    """what it is made of, by name, for the log; [S, R, A, T] as `total`, or [S, ...]"""
    without: Float[Tensor, "S R"] | None = None
    """the reward of the scene's other rollouts, where credit needs it"""
    counted: Bool[Tensor, "S _ _ _"] | None = None
    """where there is a reward, broadcastable to `total`, which is 0 elsewhere; None: everywhere. Learning
    leaves out the actions that have none"""

    def by_rollout(self, agents: Int64[Tensor, "S"]) -> Float[Tensor, "S R"]:
        """The mean over each scene's own agents, of which there are `agents`, and over steps, as far as
        they count."""
        if self.counted is None:
            return mean_over_agents(self.total, agents)
        counted = self.counted.expand_as(self.total)
        return self.total.sum(dim=(-2, -1)) / counted.sum(dim=(-2, -1)).clamp(min=1)

    def means(self, agents: Int64[Tensor, "S"]) -> dict[str, Tensor]:
        """The batch's mean of the reward and of every term, in double precision."""
        terms = {
            name: mean_over_agents(part, agents) if part.dim() == 4 else part
            for name, part in self.terms.items()
        }
        parts = {"reward": self.by_rollout(agents), **terms}
        return {name: part.double().mean() for name, part in parts.items()}


def mean_over_agents(
    term: Float[Tensor, "S R _ _"], agents: Int64[Tensor, "S"]
) -> Float[Tensor, "S R"]:
    """The mean over agents and steps; agents that pad a scene do not count."""
    by_agent = term.mean(dim=-1)
    if by_agent.shape[-1] == 1:
        return by_agent[..., 0]
    number = torch.arange(by_agent.shape[-1], device=agents.device)
    present = number < agents[:, None, None]
    return torch.where(present, by_agent, 0.0).sum(dim=-1) / agents[:, None]


@runtime_checkable
class Reward(Protocol):
    """Scores rollouts of logged scenarios."""

    scores_sets: bool
    """whether the reward is one of all rollouts of a scene together, so that `without` exists"""

    def __call__(
        self,
        scenarios: Sequence[Scenario],
        trajectories: Sequence[Float32[Tensor, "R _ 80 4"]],
        without: bool = False,
    ) -> Rewards:
        """Of each scenario's rollouts: x, y, z, heading in the world frame, agents as simulated.

        `without`: compute the reward of the others for each rollout, too.
        """
        ...


def build_reward(settings: RewardSettings) -> Reward:
    """A reward is a module `rewards/KIND.py`, or one of your own, with `build(settings)`."""
    return module_of(settings, "simagents.rewards", "kind").build(settings)
