"""Gradients: how the noise of policy gradients is measured."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from simagents.config.algorithms import Sampling
from simagents.config.data import Seed
from simagents.config.keys import Settings
from simagents.config.rewards import Challenge


class Gradients(Settings):
    """One set of rollouts, from which every credit rule's gradient is computed."""

    scenes: Annotated[int, Field(ge=3)]
    """held-out training scenes, the first ones; all of them where there are fewer"""
    rollouts: Annotated[int, Field(ge=2)]
    """rollouts of each scene, a power of two; groups of 2, 4, … up to all of them are compared"""
    group: Annotated[int, Field(ge=2)]
    """rollouts of a scene for which the figure shows the scenes needed, as many as in training; a
    power of two"""
    challenge: Challenge
    """year of the metric that is the reward"""
    sampling: Sampling
    """how the actions of the rollouts are drawn"""
    seed: Seed
    """seed of the rollouts"""

    @field_validator("rollouts", "group")
    @classmethod
    def _power_of_two(cls, rollouts: int) -> int:
        if rollouts & (rollouts - 1):
            raise ValueError("must be a power of two, so that groups divide the rollouts")
        return rollouts

    @model_validator(mode="after")
    def _group_of_rollouts(self) -> "Gradients":
        if self.group > self.rollouts:
            raise ValueError("`group` must be at most `rollouts`")
        return self
