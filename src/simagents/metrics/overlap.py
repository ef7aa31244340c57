"""Whether rectangles with sharp corners overlap."""

from jaxtyping import Bool, Float
from torch import Tensor

Values = Float[Tensor, "*#n"]


def overlap(
    x: Values,
    y: Values,
    cos: Values,
    sin: Values,
    size: tuple[Values, Values],
    other: tuple[Values, Values],
) -> Bool[Tensor, "*n"]:
    """Whether two boxes share area: exact, by the four axes that can separate rectangles.

    The other box's centre is at `x` metres ahead and `y` to the left in the frame of the first, and it
    points along (`cos`, `sin`) there. `size` and `other` are half the length and half the width (m).
    Boxes that only touch do not overlap. Gottschalk, Lin & Manocha 1996 (SIGGRAPH), section 5. The
    official metric rounds corners instead: `boxes.py`.
    """  # fmt: skip
    length, width = size
    other_length, other_width = other
    across, along = sin.abs(), cos.abs()
    apart = x.abs() >= length + other_length * along + other_width * across
    apart |= y.abs() >= width + other_length * across + other_width * along
    apart |= (x * cos + y * sin).abs() >= other_length + length * along + width * across
    apart |= (y * cos - x * sin).abs() >= other_width + length * across + width * along
    return ~apart
