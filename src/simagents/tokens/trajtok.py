"""TrajTok: a vocabulary on a grid of end points, filtered and completed by its neighbourhoods."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int64
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt
from scipy.ndimage import correlate

from simagents.scenarios.agent_class import CLASSES
from simagents.tokens.grid import Axis, points
from simagents.tokens.motions import (
    SHARE,
    Motions,
    hermite,
    mirrored,
    straight_as_released,
    with_standing,
)

STEEPEST = np.deg2rad(30)
"""A motion whose heading changes by more in 0.1 s is a fault of the log."""
JERKY = np.deg2rad(10)
"""A token whose heading changes by more in 0.1 s is replaced by a curve."""

_CURVES = {"hermite": hermite, "as_released": straight_as_released}
Cells = Float[np.ndarray, "_ _"]


class EndPoints(BaseModel):
    """The grid of one class."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    x: Axis
    y: Axis
    at_least: PositiveInt
    """motions that a cell needs to count as seen"""

    def cells(
        self, end: Float[np.ndarray, "N 2"]
    ) -> tuple[Int64[np.ndarray, "_ 2"], Bool[np.ndarray, "N"]]:
        """The nearest grid point of each end, of those that lie on the grid, and which do."""
        low, step = np.array([self.x[::2], self.y[::2]]).T
        cell = np.round((end - low) / step).astype(np.int64)
        inside = ((cell >= 0) & (cell < [len(points(self.x)), len(points(self.y))])).all(axis=1)
        return cell[inside], inside


class TrajTok(BaseModel):
    """Zhang et al. 2025, arXiv:2506.21618, by the rule and numbers of its released code.

    Cells are counted, and a cell is seen if it holds enough motions. Then, by the seen cells among
    the (2 reach + 1)² around it: a seen cell with too few is noise and goes, an unseen one with more
    is a gap and comes. A token is the mean motion of its cell, carried to the grid point; where
    that turns too fast, or nobody ended there, a curve from the origin.

    Ours where the text is silent: the mean is carried to the grid point along its whole length and
    not in its last pose alone; the heading of a filled gap is the mean over its neighbourhood;
    standing still is always a token. `curve` chooses between the cubic as published and the straight
    line that the released code draws.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mirror: bool
    """count every motion's mirror image too"""
    reach: NonNegativeInt
    """cells to each side in a neighbourhood"""
    neighbours: NonNegativeInt
    """seen cells that a neighbourhood needs"""
    curve: Literal["hermite", "as_released"]
    vehicle: EndPoints
    pedestrian: EndPoints
    cyclist: EndPoints

    def tokens(self, motions: Motions, agent_class: int, generator: np.random.Generator) -> Motions:
        """Standing still, then the cells in order. Nothing is drawn."""
        grid: EndPoints = getattr(self, CLASSES[agent_class])
        if self.mirror:
            motions = np.concatenate([motions, mirrored(motions)])
        motions = motions[np.abs(np.diff(motions[..., 2])).max(axis=1) < STEEPEST]
        cell, inside = grid.cells(motions[:, -1, :2])
        x, y = points(grid.x), points(grid.y)
        flat = cell[:, 0] * len(y) + cell[:, 1]

        def total(values: Float[np.ndarray, "_"]) -> Cells:
            sums = np.bincount(flat, values, len(x) * len(y)).astype(np.float64)
            return sums.reshape(len(x), len(y))

        count = total(np.ones(len(flat)))
        seen = count >= grid.at_least
        around = self._around(seen)
        kept = np.where(seen, around >= self.neighbours, around > self.neighbours)
        kept[tuple(grid.cells(np.zeros((1, 2)))[0].T)] = False  # standing still, which comes first
        numbers = motions[inside].reshape(len(flat), 3 * len(SHARE)).T
        mean = np.stack([total(values) for values in numbers], axis=-1)
        mean = (mean / np.maximum(count, 1)[..., None]).reshape(*count.shape, -1, 3)
        turned = self._around(total(motions[inside, -1, 2])) / np.maximum(self._around(count), 1)

        there = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)[kept]
        token = mean[kept]
        token[..., :2] += SHARE[:, None] * (there - token[:, -1, :2])[:, None]
        filled = ~seen[kept]
        end = np.column_stack([there, np.where(filled, turned[kept], token[:, -1, 2])])
        curved = filled | (np.abs(np.diff(token[..., 2])).max(axis=1) > JERKY)
        token[curved] = _CURVES[self.curve](end[curved])
        return with_standing(token)

    def _around(self, cells: np.ndarray) -> Cells:
        """Sums over neighbourhoods; beyond the grid there is nothing."""
        width = 2 * self.reach + 1
        return correlate(cells.astype(np.float64), np.ones((width, width)), mode="constant")
