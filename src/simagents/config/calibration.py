"""A calibration: what is measured on a parent before a run trains."""

from typing import Annotated

from pydantic import Field

from simagents.config.algorithms import Sampling
from simagents.config.keys import Settings
from simagents.config.rewards import Reward


class Calibration(Settings):
    """How the mean reward of a policy is measured, from which thresholds are offsets."""

    held_out: Annotated[int, Field(ge=1)]
    """the first so many training scenes, on which no run trains"""
    rollouts: Annotated[int, Field(ge=1)]
    """of each scene; as many as training draws, because the reward depends on it"""
    seed: int
    """of the rollouts"""
    reward: Reward
    """what rollouts are scored by"""
    sampling: Sampling
    """of the rollouts"""
