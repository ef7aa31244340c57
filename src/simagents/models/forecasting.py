"""An optional capability of policies: to say where every agent will be, one agent at a time."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from simagents.models.paths import Paths
from simagents.models.scenes import SceneBatch


@dataclass(frozen=True, eq=False)
class Modes:
    """What one network expects of N agents at each of F moments: K futures of H poses, an action apart."""

    logits: Float[Tensor, "N F K"]
    pose: Float[Tensor, "N F K H 3"]
    """as seen from the agent at the moment"""
    log_scale: Float[Tensor, "N F K H"]
    """of the distance (m) from the place"""


@runtime_checkable
class Forecasting(Protocol):
    """What the learner of forecasts needs of a policy."""

    def forecast(self, scenes: SceneBatch, paths: Paths) -> list[Modes]:
        """Of every member of the ensemble, before each action after the history."""
        ...
