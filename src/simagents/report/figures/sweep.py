"""Figure: what one coefficient does, from the tables in which it is varied.

One panel beside the other per table; above the gain in realism over the table's first row, which is
the policy that all others start from, below the divergence from it. Bars are 95 % intervals, over
seeds and scenarios where there are several seeds, else over scenarios alone.
"""

from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from simagents.config.figures import Sweep
from simagents.errors import InputError
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs

Json = dict[str, Any]

ABOVE, BELOW = "metametric", "kl"
"""Columns that the panels show."""
CHOSEN = "#d55e00"
"""Colour of the row that the paper chose."""


def draw(settings: Sweep, inputs: FigureInputs) -> Figure:
    """One column of panels per table; rows stand evenly spaced, in the table's order.

    Raises InputError where a row has no gain or no divergence.
    """
    tables = {name: inputs.cells[name] for name in settings.tables}
    figure, grid = plt.subplots(
        2, len(tables), figsize=(TEXT_WIDTH, 2.9), layout="constrained", squeeze=False,
        sharey="row", sharex="col", height_ratios=(1.6, 1),
    )  # fmt: skip
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.03)
    for place, (name, cells) in enumerate(tables.items()):
        gain, divergence = grid[:, place]
        _gains(gain, name, cells)
        _divergences(divergence, name, cells)
        labels = [row["label"] for row in cells["rows"][1:]]
        divergence.set_xticks(range(len(labels)), labels)
        divergence.set_xlim(-0.5, len(labels) - 0.5)
    start = next(iter(tables.values()))["rows"][0]["label"]
    grid[0, 0].set_ylabel(f"gain in realism over {start}")
    grid[1, 0].set_ylabel("KL (nats)")
    return figure


def _gains(axes: Axes, name: str, cells: Json) -> None:
    gains = {d["row"]: d for d in cells["differences"][ABOVE] if d["to"] == 0}
    points = [gains[row] for row in range(1, len(cells["rows"]))]
    if any(point["mean"] is None for point in points):
        raise InputError(f"{name}: a row has no {ABOVE}, so its gain cannot be drawn.")
    axes.axhline(0, color="0.4", linewidth=0.7, linestyle=(0, (4, 2)))
    places, means = range(len(points)), [point["mean"] for point in points]
    axes.plot(places, means, color="0.6", linewidth=0.8, zorder=1)
    for place, point, colour in zip(places, points, _colours(cells), strict=True):
        axes.plot([place, place], [point["low"], point["high"]], color=colour, linewidth=1.1)
        axes.plot(place, point["mean"], marker="o", markersize=3.6, color=colour)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(bottom=False)
    _ruled(axes)


def _divergences(axes: Axes, name: str, cells: Json) -> None:
    divergences = [row["cells"].get(BELOW) for row in cells["rows"][1:]]
    if not all(cell and cell["mean"] is not None for cell in divergences):
        raise InputError(f"{name}: every row but the first needs the column `{BELOW}`.")
    places = range(len(divergences))
    axes.bar(places, [cell["mean"] for cell in divergences], width=0.5, color=_colours(cells))
    spread = [cell["deviation"] for cell in divergences]
    if all(value is not None for value in spread):
        axes.errorbar(
            places, [cell["mean"] for cell in divergences], spread, color="0.2", linestyle="none",
            linewidth=0.8,
        )  # fmt: skip
    axes.yaxis.set_major_locator(MaxNLocator(3))
    _ruled(axes)


def _colours(cells: Json) -> list:
    """That of the paper's choice where a row bears its name, blue elsewhere."""
    plain = sns.color_palette("colorblind")[0]
    return [CHOSEN if row["published"] else plain for row in cells["rows"][1:]]


def _ruled(axes: Axes) -> None:
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
