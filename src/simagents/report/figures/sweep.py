"""Figure: what one coefficient does, from the tables in which it is varied.

One panel beside the other per table; above the gain in a score, realism unless another is named, over the
table's first row, which is the policy that all others start from; below another column, the divergence from
it unless another is named. Lines are 95 % intervals, over
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
from simagents.report.columns import column
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs

Json = dict[str, Any]

CHOSEN = "#d55e00"
"""Colour of the row that the paper chose."""


def draw(settings: Sweep, inputs: FigureInputs) -> Figure:
    """One column of panels per table; rows stand evenly spaced, in the table's order.

    Raises InputError where a row has no gain or nothing to be drawn below it.
    """
    tables = {name: inputs.cells[name] for name in settings.tables}
    width = TEXT_WIDTH * (0.6 if len(tables) == 1 else 1)
    figure, grid = plt.subplots(
        2, len(tables), figsize=(width, 2.9), layout="constrained", squeeze=False,
        sharey="row", sharex="col", height_ratios=(1.6, 1),
    )  # fmt: skip
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.03)
    for place, (name, cells) in enumerate(tables.items()):
        gain, below = grid[:, place]
        _gains(gain, name, cells, settings.above)
        _bars(below, name, cells, settings.below)
        labels = [row["label"] for row in cells["rows"][1:]]
        below.set_xticks(range(len(labels)), labels)
        below.set_xlim(-0.5, len(labels) - 0.5)
    start = next(iter(tables.values()))["rows"][0]["label"]
    grid[0, 0].set_ylabel(f"gain in {column(settings.above).title.lower()} over {start}")
    grid[1, 0].set_ylabel(column(settings.below).heading)
    return figure


def _gains(axes: Axes, name: str, cells: Json, score: str) -> None:
    if score not in cells["differences"]:
        raise InputError(f"{name}: give the table the column {score}, whose gain is drawn.")
    gains = {d["row"]: d for d in cells["differences"][score] if d["to"] == 0}
    points = [gains[row] for row in range(1, len(cells["rows"]))]
    if any(point["mean"] is None for point in points):
        raise InputError(f"{name}: a row has no {score}, so its gain cannot be drawn.")
    axes.axhline(0, color="0.4", linewidth=0.7, linestyle=(0, (4, 2)))
    places, means = range(len(points)), [point["mean"] for point in points]
    axes.plot(places, means, color="0.6", linewidth=0.8, zorder=1)
    for place, point, colour in zip(places, points, _colours(cells), strict=True):
        axes.plot([place, place], [point["low"], point["high"]], color=colour, linewidth=1.1)
        axes.plot(place, point["mean"], marker="o", markersize=3.6, color=colour)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(bottom=False)
    _ruled(axes)


def _bars(axes: Axes, name: str, cells: Json, quantity: str) -> None:
    drawn = [row["cells"].get(quantity) for row in cells["rows"][1:]]
    if not all(cell and cell["mean"] is not None for cell in drawn):
        raise InputError(f"{name}: every row but the first needs the column `{quantity}`.")
    places = range(len(drawn))
    axes.bar(places, [cell["mean"] for cell in drawn], width=0.5, color=_colours(cells))
    spread = [cell["deviation"] for cell in drawn]
    if all(value is not None for value in spread):
        axes.errorbar(
            places, [cell["mean"] for cell in drawn], spread, color="0.2", linestyle="none",
            linewidth=0.8,
        )  # fmt: skip
    axes.yaxis.set_major_locator(MaxNLocator(3))
    _ruled(axes)


def _colours(cells: Json) -> list:
    """That of the paper's choice where one row bears a name of the paper's, blue elsewhere."""
    plain = sns.color_palette("colorblind")[0]
    named = [row["published"] for row in cells["rows"][1:]]
    chosen = sum(map(bool, named)) == 1
    return [CHOSEN if name and chosen else plain for name in named]


def _ruled(axes: Axes) -> None:
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
