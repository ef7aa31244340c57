"""Planners: how sim agents are judged by what planners are worth among them."""

from typing import Annotated

from pydantic import Field

from simagents.config.algorithms import Sampling
from simagents.config.data import Seed
from simagents.config.keys import Settings


class PlannerTrials(Settings):
    """The drives of the 64 random-shooting planners. Changing them retrains no run and rescores none."""

    scenes: Annotated[int, Field(ge=0)]
    """validation scenarios in which planners drive, the first ones; 0 for all"""
    rollouts: Annotated[int, Field(ge=1)]
    """simulations of each scenario with each planner"""
    sampling: Sampling
    """how the actions of policies are drawn"""
    seed: Seed
    """seed of the draws, which are the same for all planners"""
