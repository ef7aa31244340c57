"""Rewards: how rollouts are scored while a policy learns from them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simagents.config.keys import Settings, Tagged
from simagents.errors import InputError

Challenge = Literal[2023, 2024, 2025]
Weight = Annotated[float, Field(ge=0)]


class RewardSettings(Settings):
    """Of any reward."""

    @property
    def differs_by_rollout(self) -> bool:
        """Whether rollouts of a scene may have different rewards."""
        return True

    @property
    def scores_sets(self) -> bool:
        """Whether there may be a reward of a scene's other rollouts; False is certain."""
        return True

    @property
    def by_step(self) -> bool:
        """Whether actions of a rollout have rewards of their own, which a credit rule must look ahead to."""
        return False


class Realism(RewardSettings):
    """The WOSAC realism meta-metric."""

    kind: Literal["realism"]
    """the realism meta-metric that evaluation reports"""
    challenge: Challenge
    """year of the metric"""
    scored: Literal["scene", "rollout", "subgroup"]
    """set of rollouts that is scored together: all of a scene, each alone, or `subgroup` successive ones"""
    subgroup: Annotated[int, Field(ge=1)] | None = None
    """`scored: subgroup` only: rollouts in a set; a divisor of the budget's rollouts"""

    @model_validator(mode="after")
    def _subgroup_where_needed(self) -> "Realism":
        if (self.scored == "subgroup") != (self.subgroup is not None):
            raise ValueError("`subgroup` must be given if and only if `scored` is subgroup")
        return self

    def size_of_set(self, rollouts: int) -> int:
        """How many of so many rollouts of a scene are scored together. Raises InputError unless it divides them."""
        size = {"scene": rollouts, "rollout": 1, "subgroup": self.subgroup}[self.scored]
        if rollouts % size:
            raise InputError(
                f"{rollouts} rollouts cannot be scored in subgroups of {size}; choose a divisor."
            )
        return size

    @property
    def differs_by_rollout(self) -> bool:
        return self.scored != "scene"

    @property
    def scores_sets(self) -> bool:
        return self.scored == "scene"


class Penalties(RewardSettings):
    """What a rollout does wrong, by rules: RLFTSim's heuristic rewards, and its minADE reward."""

    kind: Literal["penalties"]
    """minus a weighted sum of collisions, of leaving the road and of the distance from the log"""
    collision: Weight
    """weight of the share of scored agents that collide at any step"""
    offroad: Weight
    """weight of the share of scored agents that leave the road at any step"""
    displacement: Weight
    """weight of a metre of average displacement from the log"""

    @model_validator(mode="after")
    def _some_weight(self) -> "Penalties":
        if not (self.collision or self.offroad or self.displacement):
            raise ValueError("all three weights are 0, so every rollout has the same reward")
        return self

    @property
    def scores_sets(self) -> bool:
        return False


class Displacement(RewardSettings):
    """How near an agent is to its log, and whether it collides: the reward of Peng et al. 2024."""

    kind: Literal["displacement"]
    """minus the distance from the log, and less in collisions, for every agent at every step"""
    collision: Weight
    """λ: metres from the log that a step in a collision weighs as much as"""

    @property
    def by_step(self) -> bool:
        return True

    @property
    def scores_sets(self) -> bool:
        return False


REWARDS = Tagged("kind", "simagents.rewards", Realism, Penalties, Displacement)
Reward = Annotated[RewardSettings, REWARDS]
