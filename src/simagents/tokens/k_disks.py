"""The k-disks clustering rule."""

import numpy as np
from jaxtyping import Float, Int64

from simagents.config.tokenizers import KDisks
from simagents.tokens.motions import Motions, box_points, standing_first, with_standing


def tokens(
    settings: KDisks, motions: Motions, agent_class: int, generator: np.random.Generator
) -> Motions:
    """Means of disks; the first disk is the one around standing still, which becomes its token."""
    motions = with_standing(motions)
    disks = k_disks(
        box_points(motions, agent_class),
        size=settings.size,
        tolerance=settings.tolerance,
        generator=generator,
        first=0,
    )
    return standing_first(np.stack([motions[disk].mean(axis=0) for disk in disks]))


def k_disks(
    points: Float[np.ndarray, "N P 2"],
    *,
    size: int,
    tolerance: float,
    generator: np.random.Generator,
    first: int | None = None,
) -> list[Int64[np.ndarray, "_"]]:
    """Groups of similar shapes, drawn one after another until there are `size` or no shape is left.

    Trajeglish (Philion et al. 2024, arXiv:2312.04535, Alg. 1): draw a shape, take all that remain
    within `tolerance` of it, remove them, repeat. Frequent shapes are drawn early and every group is
    a disk, so the error of a covered shape is bounded by the tolerance. The caller chooses what
    represents a group: its centre in Trajeglish, its mean in CAT-K.

    N shapes of P points (m); the distance of two shapes is the mean distance of their points.
    `first` is the shape that is drawn first. Returns row numbers, one array a group.
    """
    remaining = np.arange(len(points))
    groups: list[np.ndarray] = []
    while len(groups) < size and len(remaining):
        centre = first if first is not None and not groups else generator.choice(remaining)
        offset = points[remaining] - points[centre]
        inside = np.sqrt((offset**2).sum(axis=-1)).mean(axis=-1) < tolerance
        groups.append(remaining[inside])
        remaining = remaining[~inside]
    return groups
