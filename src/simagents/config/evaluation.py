"""How systems are scored."""

from typing import Annotated, Literal

from pydantic import Field

from simagents.config.algorithms import Sampling
from simagents.config.data import Seed
from simagents.config.keys import Settings
from simagents.config.recipe import Precision
from simagents.config.rewards import Challenge


class EvaluationDefaults(Settings):
    """What a scale says of every evaluation."""

    rollouts: Annotated[int, Field(ge=1)]
    """simulations of each scenario; 32 in the challenge. The metric depends on it"""
    sampling: Sampling
    """how the actions of policies are drawn; rules and the log need no draws"""
    seed: Seed
    """seed of the rollouts"""
    limit: Annotated[int, Field(ge=0)]
    """validation scenarios that are scored; 0 for all"""
    precision: Annotated[Precision, Field(exclude_if=lambda precision: precision == "float32")] = (
        "float32"
    )
    """of the products of policies in rollouts, which bfloat16 makes faster; their scores are computed in float32"""


class Evaluation(EvaluationDefaults):
    """One way to score systems. Changing it changes scores and retrains no run."""

    challenge: Challenge
    """year of the WOSAC metric; a table has one year"""
    goals: Annotated[
        Literal["none", "log", "alternative"], Field(exclude_if=lambda goals: goals == "none")
    ] = "none"
    """goals that the SDC and the agents to predict are given, and by which every system is scored as well:
    none; the log's last position; for vehicles the end of another way through the lane graph than the log's"""
