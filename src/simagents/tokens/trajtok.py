"""TrajTok: a vocabulary on a grid of end points, filtered and completed by its neighbourhoods."""

import numpy as np
from jaxtyping import Bool, Float, Int64
from scipy.ndimage import correlate

from simagents.config.tokenizers import EndPoints, TrajTok
from simagents.scenarios.agent_class import CLASSES
from simagents.tokens.grid import points
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


def tokens(
    settings: TrajTok, motions: Motions, agent_class: int, generator: np.random.Generator
) -> Motions:
    """Standing still, then the cells in order. Nothing is drawn.

    Zhang et al. 2025, arXiv:2506.21618, by the rule and numbers of its released code. Motions of
    every cell are counted, and a cell is seen if it holds enough of them. Then the seen cells among
    the (2 reach + 1)² around each are counted: a seen cell with too few of them is noise and has no
    token, an unseen one with more is a gap and has one. A token is the mean motion of its cell,
    carried to the grid point; where that turns too fast, or no motion ended there, it is a curve
    from the origin.

    Ours where the text is silent: the mean is carried to the grid point along its whole length and
    not in its last pose alone; the heading of a filled gap is the mean over its neighbourhood;
    standing still is always a token. `curve` chooses between the cubic as published and the straight
    line that the released code draws.
    """
    grid: EndPoints = getattr(settings, CLASSES[agent_class])
    if settings.mirror:
        motions = np.concatenate([motions, mirrored(motions)])
    motions = motions[np.abs(np.diff(motions[..., 2])).max(axis=1) < STEEPEST]
    cell, inside = cells_of(grid, motions[:, -1, :2])
    x, y = points(grid.x), points(grid.y)
    flat = cell[:, 0] * len(y) + cell[:, 1]

    def total(values: Float[np.ndarray, "_"]) -> Cells:
        sums = np.bincount(flat, values, len(x) * len(y)).astype(np.float64)
        return sums.reshape(len(x), len(y))

    count = total(np.ones(len(flat)))
    seen = count >= grid.at_least
    around = _around(seen, settings.reach)
    kept = np.where(seen, around >= settings.neighbours, around > settings.neighbours)
    kept[tuple(cells_of(grid, np.zeros((1, 2)))[0].T)] = False  # standing still, which comes first
    numbers = motions[inside].reshape(len(flat), 3 * len(SHARE)).T
    mean = np.stack([total(values) for values in numbers], axis=-1)
    mean = (mean / np.maximum(count, 1)[..., None]).reshape(*count.shape, -1, 3)
    turned = _around(total(motions[inside, -1, 2]), settings.reach)
    turned = turned / np.maximum(_around(count, settings.reach), 1)

    there = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)[kept]
    token = mean[kept]
    token[..., :2] += SHARE[:, None] * (there - token[:, -1, :2])[:, None]
    filled = ~seen[kept]
    end = np.column_stack([there, np.where(filled, turned[kept], token[:, -1, 2])])
    curved = filled | (np.abs(np.diff(token[..., 2])).max(axis=1) > JERKY)
    token[curved] = _CURVES[settings.curve](end[curved])
    return with_standing(token)


def cells_of(
    grid: EndPoints, end: Float[np.ndarray, "N 2"]
) -> tuple[Int64[np.ndarray, "_ 2"], Bool[np.ndarray, "N"]]:
    """The nearest grid point of each end that is on the grid, and which ends are."""
    low, step = np.array([grid.x[::2], grid.y[::2]]).T
    cell = np.round((end - low) / step).astype(np.int64)
    inside = ((cell >= 0) & (cell < [len(points(grid.x)), len(points(grid.y))])).all(axis=1)
    return cell[inside], inside


def _around(cells: np.ndarray, reach: int) -> Cells:
    """Sums over neighbourhoods; beyond the grid there is nothing."""
    width = 2 * reach + 1
    return correlate(cells.astype(np.float64), np.ones((width, width)), mode="constant")
