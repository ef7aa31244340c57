"""Which part of the world a picture shows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from simagents.scenarios.scenario import CURRENT, Scenario

NEAR, FAR = 40.0, 64.0
"""Metres from the recording vehicle to the right border of a picture, at least and at most."""
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
        """Whether the box around `points`, given in the picture, reaches into it; one around none does not."""
        if not len(points):
            return False
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


def view_ahead(scenario: Scenario, half_width: float, aspect: float) -> View:
    """So many metres to each side of where the recording vehicle is now; it heads to the right."""
    centre = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
    heading = float(scenario.heading[scenario.sdc, CURRENT])
    return View(centre, heading, half_width, half_width * aspect)


def view_of_scored(
    scenario: Scenario, paths: list[Float[np.ndarray, "A n 2"]], aspect: float
) -> View:
    """As much of the world as the scored agents need on these paths, within reason.

    Paths are of the agents of `Scenario.simulated`, in metres in the world frame. `aspect` is the
    height of the picture over its width.
    """
    whole = view_ahead(scenario, NEAR, aspect)
    rows = np.searchsorted(scenario.simulated, scenario.evaluated)
    reach = [np.abs(whole.local(path[rows])) / (1, aspect) for path in paths]
    return view_ahead(scenario, float(np.clip(np.max(reach) + 4, NEAR, FAR)), aspect)


def draw_scale(axes: Axes, view: View) -> None:
    """A bar of 20 m in the lower left corner, on a ground that keeps it legible."""
    length = 20
    share = length / (2 * view.half_width)
    axes.add_patch(
        Polygon(
            [(0.02, 0.02), (share + 0.06, 0.02), (share + 0.06, 0.14), (0.02, 0.14)],
            transform=axes.transAxes,
            facecolor="white",
            alpha=0.85,
            edgecolor="none",
            zorder=5,
        )
    )
    axes.plot(
        [0.04, 0.04 + share], [0.04, 0.04], transform=axes.transAxes, color="black", linewidth=1.2,
        solid_capstyle="butt", zorder=6,
    )  # fmt: skip
    axes.text(
        0.04 + share / 2, 0.052, f"{length} m", transform=axes.transAxes, ha="center", va="bottom",
        fontsize=7, zorder=6,
    )  # fmt: skip
