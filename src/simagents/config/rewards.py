"""Rewards: how rollouts are scored while a policy learns from them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simagents.config.keys import Settings, Tagged

Challenge = Literal[2023, 2024, 2025]


class RewardSettings(Settings):
    """Of any reward."""


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


REWARDS = Tagged("kind", "simagents.rewards", Realism)
Reward = Annotated[RewardSettings, REWARDS]
