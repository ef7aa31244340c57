"""A calibration: what is measured on a parent before a run trains."""

from typing import Annotated

from pydantic import Field

from simagents.config.algorithms import Sampling
from simagents.config.keys import Settings
from simagents.config.recipe import Precision
from simagents.config.rewards import Reward


class Calibration(Settings):
    """How the mean reward of a policy is measured, from which thresholds are offsets."""

    held_out: Annotated[int, Field(ge=1)]
    """number of held-out training scenes, the first ones; no run trains on them"""
    rollouts: Annotated[int, Field(ge=1)]
    """rollouts of each scene; as many as in training, because the reward depends on it"""
    seed: int
    """seed of the rollouts"""
    reward: Reward
    """how rollouts are scored"""
    sampling: Sampling
    """how the actions of the rollouts are drawn"""
    precision: Annotated[Precision, Field(exclude_if=lambda precision: precision == "float32")] = (
        "float32"
    )
    """precision of products, as in training; only another one than float32 is in the measurement's name"""
