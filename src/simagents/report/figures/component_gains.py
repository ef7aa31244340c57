"""Figure: which parts of the metric a later stage moves, on the same scenarios as an earlier one.

A line per quantity of one table, a mark per row of it; bars are 95 % intervals, over seeds
and scenarios where there are several seeds, else over scenarios alone. Filled marks exclude zero and
cover seeds.
"""

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from simagents.config.figures import ComponentGains
from simagents.errors import unknown_key
from simagents.report.columns import column
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.numbers import sign

LINE = 0.24
"""Inches that a quantity takes."""


def draw(settings: ComponentGains, inputs: FigureInputs) -> Figure:
    """Likelihoods only: what is no score has no difference on the same scenarios, and metres have no place
    on the axis of likelihoods.

    Raises InputError, naming the nearest row, where the table has no row `over`.
    """
    cells = inputs.cells[settings.tables[0]]
    labels = [row["label"] for row in cells["rows"]]
    if settings.over not in labels:
        raise unknown_key(settings.over, "over", labels)
    base = labels.index(settings.over)
    keys = [key for key in cells["columns"] if column(key).of_scores and not column(key).unit]
    later = range(base + 1, len(cells["rows"]))
    size = (TEXT_WIDTH, 0.75 + LINE * len(keys))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    axes.axvline(0, color="0.4", linewidth=0.7, linestyle=(0, (4, 2)))
    palette = sns.color_palette("colorblind", len(later))
    for place, (row, colour) in enumerate(zip(later, palette, strict=True)):
        shift = 0.26 * (place - (len(later) - 1) / 2)
        for line, key in enumerate(keys):
            (difference,) = (
                d for d in cells["differences"][key] if (d["row"], d["to"]) == (row, base)
            )
            if difference["mean"] is None:
                continue
            height = line + shift
            axes.plot(
                [difference["low"], difference["high"]],
                [height, height],
                color=colour,
                linewidth=1.1,
            )
            axes.plot(
                difference["mean"], height, marker="o", markersize=3.8, color=colour,
                markerfacecolor=colour if sign(difference) else "white", markeredgewidth=0.9,
            )  # fmt: skip
    for line in range(len(keys)):
        if line % 2 == 0:
            axes.axhspan(line - 0.5, line + 0.5, color="0.96", zorder=0, linewidth=0)
    axes.set_yticks(range(len(keys)), [column(key).title for key in keys])
    axes.tick_params(left=False)
    axes.set_ylim(len(keys) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.set_xlabel(f"difference from {cells['rows'][base]['label']} on the same scenarios")
    handles = [plt.Line2D([], [], color=colour, marker="o", markersize=3.8) for colour in palette]
    figure.legend(
        handles, [cells["rows"][row]["label"] for row in later], loc="outside upper right",
        ncols=len(later), borderaxespad=0.2, handlelength=1.6,
    )  # fmt: skip
    return figure
