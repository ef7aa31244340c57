"""Lines -> pieces of 5 m: the geometry of map tokens for all kinds of features."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from simagents.tokens.vocabulary import MAP_POINTS

SPACING = 0.5  # metres between the points of a piece
GAP = 3.0  # metres; a polyline with a longer step is two polylines
FEWEST = 3  # points that a feature needs, and that a rest needs beyond the last whole piece
SIDE_SPACING = 1.0  # metres between the points laid along a crosswalk
STRIDE = MAP_POINTS - 1


@dataclass(frozen=True)
class Piece:
    """Five metres of a line, or a shorter rest."""

    window: Float64[np.ndarray, "11 2"]
    """points 0.5 m apart; those of a rest are closer together"""
    corner: Float64[np.ndarray, "3 2"]
    """first, middle and last point, as SMART keeps them"""
    heading: float
    """direction of the first 0.5 m"""


def pieces_of(points: Float[np.ndarray, "n 2"]) -> list[Piece]:
    """The pieces of one feature, cut at its gaps."""
    # SMART leaves a feature's last point out; kept so that its checkpoints see the same tokens.
    points = points[:-1]
    if len(points) < FEWEST:
        return []
    gaps = np.flatnonzero(np.linalg.norm(np.diff(points, axis=0), axis=1) > GAP) + 1
    lines = [line for line in np.split(points, gaps) if len(line) > 1]
    return [piece for line in lines for piece in _cut(line)]


def long_sides(polygon: np.ndarray) -> np.ndarray:
    """The two long sides of an area, each there and back, a point every metre; one line of all.

    The line is split where it changes sides, as any line is at a gap, and not where it turns back.
    """
    if len(polygon) < 4:
        return np.zeros((0, 2))
    corner = polygon[np.linspace(0, len(polygon), 4, endpoint=False).astype(int)]
    first, second = (np.linalg.norm(corner[i + 1] - corner[i]) for i in (0, 1))
    sides = [(0, 1), (2, 3)] if first > second else [(0, 3), (2, 1)]
    lines = []
    for a, b in sides:
        length = np.linalg.norm(corner[b] - corner[a])
        along = np.append(np.arange(int(length / SIDE_SPACING) + 1) * SIDE_SPACING, length)
        share = along[:, None] / max(length, 1e-9)
        line = corner[a] + share * (corner[b] - corner[a])
        lines += [line, line[::-1]]
    return np.concatenate(lines)


def seen_from(first: np.ndarray, heading: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [M, n, 2] in the frames of their pieces: from `first` [M, 2] along `heading` [M]."""
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    x, y = np.moveaxis(points - first[:, None], -1, 0)
    return np.stack([x * cos + y * sin, y * cos - x * sin], axis=-1)


def _cut(line: np.ndarray) -> list[Piece]:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    if along[-1] <= 0:
        return []
    at = np.append(np.arange(0.0, along[-1], SPACING), along[-1])
    dense = _on(line, along, at)
    whole = (len(dense) - 1) // STRIDE
    windows = [dense[i * STRIDE : i * STRIDE + MAP_POINTS] for i in range(whole)]
    pieces = [Piece(window, window[::5], _direction(window)) for window in windows]
    rest = slice(whole * STRIDE, None)
    # The rest begins on the last point of the last whole piece, which does not count.
    if len(dense[rest]) - min(whole, 1) >= FEWEST:
        # SMART keeps three of its points; the vocabulary is built from whole shapes and needs all.
        window = _on(line, along, np.linspace(at[rest][0], at[-1], MAP_POINTS))
        three = np.linspace(0, len(dense[rest]) - 1, 3).astype(int)
        pieces.append(Piece(window, dense[rest][three], _direction(dense[rest])))
    return pieces


def _on(line: np.ndarray, along: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.column_stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])])


def _direction(line: np.ndarray) -> float:
    x, y = line[1] - line[0]
    return float(np.arctan2(y, x))
