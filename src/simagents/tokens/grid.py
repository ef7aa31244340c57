"""The uniform grid, which does not depend on data."""

import numpy as np
from jaxtyping import Float

from simagents.config.tokenizers import Axis, ClassGrid, Grid
from simagents.scenarios.agent_class import CLASSES
from simagents.tokens.motions import Motions, hermite, with_standing


def points(axis: Axis) -> Float[np.ndarray, "_"]:
    """`from`, `from + step`, …, `to`; both ends are points where the step divides the range."""
    low, high, step = axis
    return low + step * np.arange(int(np.floor((high - low) / step + 1e-6)) + 1)


def tokens(
    settings: Grid, motions: Motions, agent_class: int, generator: np.random.Generator
) -> Motions:
    """Standing still, then the other grid points in order; `motions` are ignored."""
    grid: ClassGrid = getattr(settings, CLASSES[agent_class])
    mesh = np.meshgrid(points(grid.x), points(grid.y), points(grid.heading), indexing="ij")
    end = np.stack(mesh, axis=-1).reshape(-1, 3)
    moving = np.abs(end).max(axis=1) > 1e-9
    return with_standing(hermite(end[moving]))
