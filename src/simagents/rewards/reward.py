"""What a reward is, and how one is found by its settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Float32
from torch import Tensor

from simagents.config.keys import module_of
from simagents.config.rewards import RewardSettings
from simagents.scenarios.scenario import Scenario


@dataclass(frozen=True)
class Rewards:
    """Of R rollouts of S scenes. A is the most agents of a scene; scenes with fewer are padded.

    1 stands for an axis along which a reward is the same for all.
    """

    total: Float[Tensor, "S R _ _"]
    """what learning maximises, by scene, rollout, agent (or 1) and log step of 0.1 s (or 1)"""
    terms: dict[str, Tensor] = field(default_factory=dict)
    """what it is made of, by name, for the log; [S, ...]"""
    without: Float[Tensor, "S R"] | None = None
    """the reward of the scene's other rollouts, where credit needs it"""


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
