"""Planners: how sim agents are judged by what planners are worth among them."""

from typing import Annotated, Literal

from pydantic import Field

from simagents.config.algorithms import Sampling
from simagents.config.data import Seed
from simagents.config.keys import Settings

Agents = Literal["logged", "all"]


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
    agents: Agents = "logged"
    """who is there besides the SDC, whatever system moves the agents: `logged`, at each step those that the log
    shows at it, and nobody else is seen by planners or met; `all`, for 8 s whoever is there at the current
    step, those that playback of the log has lost standing still. A system itself always moves and observes
    all of them"""
