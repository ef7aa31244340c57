"""Which part of the world a picture shows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

_POINTS_PER_INCH = 72


@dataclass(frozen=True, eq=False)
class View:
    """A rectangle around `centre`, turned so that `heading` points to the right."""

    centre: Float[np.ndarray, "2"]
    heading: float
    half_width: float
    half_height: float

    def local(self, points: Float[np.ndarray, "*N 2"]) -> Float[np.ndarray, "*N 2"]:
        """World -> picture, in metres from the centre."""
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        return (points - self.centre) @ np.array([[cos, -sin], [sin, cos]])

    def sees(self, points: Float[np.ndarray, "n 2"], margin: float) -> bool:
        """Whether the box around `points`, given in the picture, reaches into it."""
        reach = np.array([self.half_width, self.half_height]) + margin
        return bool((points.min(axis=0) < reach).all() and (points.max(axis=0) > -reach).all())

    def frame(self, axes: Axes) -> None:
        """Limits of the picture, without ticks, in a thin frame."""
        axes.set(
            xlim=(-self.half_width, self.half_width), ylim=(-self.half_height, self.half_height),
            xticks=[], yticks=[],
        )  # fmt: skip
        for spine in axes.spines.values():
            spine.set(visible=True, color="0.75")


def points_per_metre(axes: Axes) -> float:
    """Typographic points that a metre takes on paper."""
    low, high = axes.get_xlim()
    width = axes.get_position().width * axes.figure.get_figwidth()
    return width * _POINTS_PER_INCH / (high - low)
