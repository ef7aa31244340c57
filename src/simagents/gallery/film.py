"""One rollout of several systems as a film: panels side by side, moved from step to step."""

from collections.abc import Iterator
from math import ceil

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from simagents.report.agent_drawing import Agents, Shown, draw_key, seconds
from simagents.report.map_drawing import Lights, draw_ground
from simagents.report.view import draw_scale, view_ahead, view_of_scored
from simagents.scenarios.scenario import CURRENT, SIMULATED, Scenario

DPI = 100
ASPECT = 0.8
"""Height of a panel over its width."""
GAP, TITLE, KEY, EDGE = 0.06, 0.38, 0.42, 0.02
"""Inches between panels, over each of them, for the key under them all, and beside them for the frame."""
ACROSS = 3
"""Panels in a row, at most."""


class Film:
    """A figure `width` pixels wide whose panels show one simulated step at a time."""

    def __init__(self, scenario: Scenario, shown: list[Shown], width: int, half_width: float = 0.0):
        """`half_width`: metres from the middle to the border; 0 for what scored agents need."""
        inches = _even(width / DPI)
        columns = min(len(shown), ACROSS)
        lines = -(-len(shown) // columns)
        panel = (inches - 2 * EDGE - GAP * (columns - 1)) / columns
        total = _even(lines * (panel * ASPECT + TITLE) + KEY)
        self.figure: Figure = plt.figure(figsize=(inches, total), dpi=DPI)
        view = view_of_scored(scenario, [each.path[:, 1:, :2] for each in shown], ASPECT)
        if half_width:
            view = view_ahead(scenario, half_width, ASPECT)
        scored = len(scenario.evaluated)
        self._shown, self._moving, self._counts = shown, [], []
        for place, each in enumerate(shown):
            line, column = divmod(place, columns)
            left, bottom = (
                EDGE + column * (panel + GAP),
                total - (line + 1) * (panel * ASPECT + TITLE),
            )
            axes = self.figure.add_axes(
                (left / inches, bottom / total, panel / inches, panel * ASPECT / total)
            )
            view.frame(axes)
            draw_ground(axes, scenario, view)
            if place == 0:
                draw_scale(axes, view)
            self._moving += [Agents(axes, scenario, view, each, ring=11.0)]
            self._moving += [Lights(axes, scenario, view)]
            axes.text(
                0.01, 1 + 0.2 / (panel * ASPECT), each.label, transform=axes.transAxes, fontsize=9,
                fontweight="bold", va="bottom",
            )  # fmt: skip
            self._counts.append(
                axes.text(
                    0.01, 1 + 0.05 / (panel * ASPECT), "", transform=axes.transAxes, fontsize=7.5,
                    va="bottom",
                )
            )  # fmt: skip
        self._suffix = f"of {scored} scored"
        self._clock = self.figure.text(
            1 - 0.06 / inches, 1 - 0.06 / total, "", fontsize=9, ha="right", va="top",
            family="monospace",
        )  # fmt: skip
        draw_key(self.figure, scenario, fontsize=7.5, columns=max(2, int(inches / 1.75)))

    def show(self, step: int) -> None:
        """The simulated step, 0 to 80."""
        for moving in self._moving:
            moving.show(step if isinstance(moving, Agents) else CURRENT + step)
        self._clock.set_text(f"{seconds(step):>6}")
        for text, each in zip(self._counts, self._shown, strict=True):
            collided, left = each.count(step)
            text.set_text(f"so far: {collided} collided, {left} off road, {self._suffix}")

    def steps(self, every: int) -> Iterator[int]:
        """Shows the steps of a film of every so many steps, and gives each when it is shown."""
        for step in range(0, SIMULATED + 1, every):
            self.show(step)
            yield step


def _even(inches: float) -> float:
    """Rounded up to an even number of pixels, which H.264 needs."""
    return 2 * ceil(inches * DPI / 2) / DPI
