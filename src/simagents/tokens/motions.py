"""Motions of half a second: the material of vocabularies, and curves where the log has none."""

import numpy as np
import torch
from jaxtyping import Float

from simagents.geometry import box_corners
from simagents.scenarios.agent_class import REFERENCE_SIZE
from simagents.tokens.vocabulary import SUBSTEPS

Motions = Float[np.ndarray, "_ 6 3"]
"""x, y, heading at 0, 0.1, …, 0.5 s in the frame of the pose at 0 s (m, rad)"""
Ends = Float[np.ndarray, "_ 3"]

SHARE = np.linspace(0, 1, SUBSTEPS + 1)
"""Share of the half second that has passed at each pose."""


def box_points(motions: Motions, agent_class: int) -> Float[np.ndarray, "_ 4 2"]:
    """Corners of the class's reference box at the end of each motion."""
    length, width = torch.tensor(REFERENCE_SIZE[agent_class])
    return box_corners(torch.from_numpy(motions[:, -1]), length, width).numpy()


def mirrored(motions: Motions) -> Motions:
    """Left and right exchanged."""
    return motions * np.array([1.0, -1.0, -1.0])


def with_standing(motions: Motions) -> Motions:
    """Standing still, then the motions."""
    return np.concatenate([np.zeros((1, SUBSTEPS + 1, 3)), motions])


def standing_first(tokens: Motions) -> Motions:
    """The first token becomes standing still, which a class without any motions can do, too."""
    tokens = tokens.copy()
    tokens[0] = 0.0
    return tokens


def hermite(end: Ends) -> Motions:
    """A cubic curve that leaves along heading 0 and arrives along the heading of `end`.

    Both tangents are as long as the chord, and point backwards where the end is behind the start. Headings
    change evenly along the curve.
    """
    chord = np.linalg.norm(end[:, :2], axis=1) * np.where(end[:, 0] < 0, -1, 1)
    ahead = np.stack([np.cos(end[:, 2]), np.sin(end[:, 2])], axis=1)
    leaving = chord[:, None] * np.array([1.0, 0.0])
    arriving = chord[:, None] * ahead
    s = SHARE[:, None]
    position = (
        (s**3 - 2 * s**2 + s) * leaving[:, None]
        + (3 * s**2 - 2 * s**3) * end[:, None, :2]
        + (s**3 - s**2) * arriving[:, None]
    )
    heading = SHARE * end[:, 2:]
    return np.concatenate([position, heading[..., None]], axis=-1)


def straight_as_released(end: Ends) -> Motions:
    """The curve of TrajTok's released code: its tangents have weight 0, so it is a straight line.

    Slow at both ends; the heading is that of the line, and 0 at both ends for every `end`.
    """
    s = SHARE[:, None]
    position = (3 * s**2 - 2 * s**3) * end[:, None, :2]
    heading = np.zeros(position.shape[:2])
    heading[:, 1:-1] = np.arctan2(end[:, 1], end[:, 0])[:, None]
    return np.concatenate([position, heading[..., None]], axis=-1)
