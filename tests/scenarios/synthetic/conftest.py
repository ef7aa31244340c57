"""Boxes and signed distances by brute force, independent of the generator and the metric."""

from types import SimpleNamespace

import numpy as np
import pytest


def corners(position, heading, length, width):
    """[..., 4, 2] of boxes with centres [..., 2]."""
    cos, sin = np.cos(heading)[..., None], np.sin(heading)[..., None]
    ahead = length[..., None] / 2 * np.array([1, -1, -1, 1])
    left = width[..., None] / 2 * np.array([1, 1, -1, -1])
    x = position[..., 0, None] + cos * ahead - sin * left
    y = position[..., 1, None] + sin * ahead + cos * left
    return np.stack([x, y], axis=-1)


def overlap(one, other):
    """Whether boxes [..., 4, 2] overlap: no axis of either separates them."""
    apart = np.zeros(one.shape[:-2], bool)
    for box in (one, other):
        for side in range(2):
            edge = box[..., side + 1, :] - box[..., side, :]
            axis = np.stack([-edge[..., 1], edge[..., 0]], axis=-1)[..., None, :]
            a, b = (one * axis).sum(-1), (other * axis).sum(-1)
            apart |= (a.max(-1) < b.min(-1)) | (b.max(-1) < a.min(-1))
    return ~apart


def off_road(points, edges):
    """Signed distance (m) of points [n, 2] to polylines [m, 2]: positive right of the nearest.

    Beyond an end of a segment, the neighbouring segment has a say: in a left bend a point is off
    the road if it is so for either, in a right bend if it is so for both.
    """
    nearest, signed = np.full(len(points), np.inf), np.zeros(len(points))
    for edge in edges:
        edge = edge[np.concatenate([[True], np.abs(np.diff(edge, axis=0)).sum(1) > 0])]
        start, way = edge[:-1], np.diff(edge, axis=0)
        off = points[:, None] - start
        part = np.clip((off * way).sum(-1) / (way**2).sum(-1), 0, 1)
        gap = np.linalg.norm(off - part[..., None] * way, axis=-1)
        k, rows = gap.argmin(axis=1), np.arange(len(points))
        side = np.where(way[:, 0] * off[..., 1] - way[:, 1] * off[..., 0] > 0, -1.0, 1.0)
        sign = side[rows, k]
        for other, end in ((1, 1.0), (-1, 0.0)):
            n = np.clip(k + other, 0, len(way) - 1)
            bend = (way[k, 0] * way[n, 1] - way[k, 1] * way[n, 0]) * other
            both = np.where(
                bend > 0, np.maximum(sign, side[rows, n]), np.minimum(sign, side[rows, n])
            )
            sign = np.where((part[rows, k] == end) & (n != k), both, sign)
        closer = gap[rows, k] < nearest
        nearest = np.where(closer, gap[rows, k], nearest)
        signed = np.where(closer, gap[rows, k] * sign, signed)
    return signed


@pytest.fixture(scope="session")
def plane():
    """The functions of this file."""
    return SimpleNamespace(corners=corners, overlap=overlap, off_road=off_road)
