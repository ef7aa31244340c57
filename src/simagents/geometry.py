"""Plane geometry shared by every layer. Angles in radians, lengths in metres.

`wrap_angle` and `rotate` use operators only, so numpy arrays and torch tensors both work.
"""

from math import pi
from typing import TypeVar

import torch
from torch import Tensor

Array = TypeVar("Array")


def wrap_angle(angle: Array) -> Array:
    """The same direction in [-pi, pi)."""
    return (angle + pi) % (2 * pi) - pi


def rotate(x: Array, y: Array, cos: Array, sin: Array) -> tuple[Array, Array]:
    """The vector (x, y) turned counter-clockwise by the angle whose cosine and sine are given."""
    return x * cos - y * sin, x * sin + y * cos


def unit_vector(heading: Tensor) -> Tensor:
    """Unit vectors [..., 2] along headings [...]."""
    return torch.stack([heading.cos(), heading.sin()], dim=-1)


def to_world(local: Tensor, frame: Tensor) -> Tensor:
    """Poses seen from `frame`, seen from the world. Both [..., 3]: x, y, heading; broadcasts.

    Headings are wrapped to [-pi, pi).
    """
    x, y = rotate(local[..., 0], local[..., 1], frame[..., 2].cos(), frame[..., 2].sin())
    heading = wrap_angle(local[..., 2] + frame[..., 2])
    return torch.stack([x + frame[..., 0], y + frame[..., 1], heading], dim=-1)


def to_local(world: Tensor, frame: Tensor) -> Tensor:
    """Poses of the world seen from `frame`: the inverse of `to_world`."""
    cos, sin = frame[..., 2].cos(), frame[..., 2].sin()
    x, y = rotate(world[..., 0] - frame[..., 0], world[..., 1] - frame[..., 1], cos, -sin)
    return torch.stack([x, y, wrap_angle(world[..., 2] - frame[..., 2])], dim=-1)


# Signs of (length, width) at each corner, counter-clockwise from the left front.
_CORNERS = ((1, 1), (-1, 1), (-1, -1), (1, -1))


def box_corners(pose: Tensor, length: Tensor, width: Tensor) -> Tensor:
    """Corners of boxes, [..., 4, 2], counter-clockwise from the left front.

    `pose` is [..., 3] (x, y, heading of the centre); `length` and `width` broadcast against [...].
    """
    signs = torch.tensor(_CORNERS, dtype=pose.dtype, device=pose.device)
    half_length = (length / 2).unsqueeze(-1) * signs[:, 0]
    half_width = (width / 2).unsqueeze(-1) * signs[:, 1]
    cos, sin = pose[..., 2:3].cos(), pose[..., 2:3].sin()
    x, y = rotate(half_length, half_width, cos, sin)
    return torch.stack([x + pose[..., 0:1], y + pose[..., 1:2]], dim=-1)
