"""Goals: where agents should arrive, and how a policy learns to."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simagents.config.keys import Settings

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]

GoalKind = Literal["log", "alternative"]
"""The log's last position, or the end of another manoeuvre that the lane graph allows."""


class Hindsight(Settings):
    """Goals that a rollout has reached, in place of those that it was given."""

    share: Share
    """share of the scenes in which goals are replaced by where the best rollout of the scene ended"""
    clip: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    """limits of what weights each agent's advantage there: the chance of its actions under the new goal over
    that under the given one"""

    @model_validator(mode="after")
    def _ascending(self) -> "Hindsight":
        if self.clip[0] > self.clip[1]:
            raise ValueError(f"`clip` is {self.clip}: give the lower limit first")
        return self


class GivenGoals(Settings):
    """Goals that come with training scenes."""

    of: Literal["log"]
    """goals that agents are given: the log's last valid position, for the SDC and the agents to predict"""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """probability that an agent of a training scene is given no goal"""
    learning_rate: Positive | None
    """peak learning rate of the weights that read goals, which start at zero; null for that of the budget"""


class Goals(GivenGoals):
    """What goal conditioning adds to a policy gradient (RLFTSim)."""

    criterion: Literal["soft", "hard"]
    """when a goal counts as reached: within the radius at any time, or at the end of the rollout"""
    radius: Positive
    """metres"""
    weight: Share
    """λ: the advantage is (1 - λ) of the credit plus λ of the goal's, the share of goals that a rollout
    reaches minus the mean over the scene's other rollouts"""
    hindsight: Hindsight | None
    """null for none"""
