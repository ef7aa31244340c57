"""An optional capability of policies: to say where every agent will be, one agent at a time."""

from dataclasses import dataclass
from math import log
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


def laplace(away: Float[Tensor, "*N"], log_scale: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """Log-density of a place in the plane (nats, per m²): Laplacian along two axes, along which it is `away` in
    all (m, the sum of both) from the expected place."""
    return -2 * (log_scale + log(2)) - away * (-log_scale).exp()
