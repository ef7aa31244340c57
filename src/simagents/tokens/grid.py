"""The uniform grid, which looks at no data."""

from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import AfterValidator, BaseModel, ConfigDict

from simagents.scenarios.agent_class import CLASSES
from simagents.tokens.motions import Motions, hermite, with_standing


def _ascending(axis: tuple[float, float, float]) -> tuple[float, float, float]:
    low, high, step = axis
    if not (low <= high and step > 0):
        raise ValueError("`to` lies below `from`, or the step is not positive")
    return axis


Axis = Annotated[tuple[float, float, float], AfterValidator(_ascending)]
"""from, to, step"""


def points(axis: Axis) -> Float[np.ndarray, "_"]:
    """`from`, `from + step`, …, `to`; both ends are points where the step divides the range."""
    low, high, step = axis
    return low + step * np.arange(int(np.floor((high - low) / step + 1e-6)) + 1)


class ClassGrid(BaseModel):
    """End points and headings of one class."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    x: Axis
    y: Axis
    heading: Axis


class Grid(BaseModel):
    """Every combination of end point and heading, joined by curves; a baseline of TrajTok's table.

    The published baseline's ranges and steps are not known to us; ours are in `config/scale`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    vehicle: ClassGrid
    pedestrian: ClassGrid
    cyclist: ClassGrid

    def tokens(self, motions: Motions, agent_class: int, generator: np.random.Generator) -> Motions:
        """Standing still, then the other grid points in order; `motions` are not looked at."""
        grid: ClassGrid = getattr(self, CLASSES[agent_class])
        mesh = np.meshgrid(points(grid.x), points(grid.y), points(grid.heading), indexing="ij")
        end = np.stack(mesh, axis=-1).reshape(-1, 3)
        moving = np.abs(end).max(axis=1) > 1e-9
        return with_standing(hermite(end[moving]))
