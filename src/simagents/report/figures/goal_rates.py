"""Figure: how often every system reaches its goals at the end, and passes them at any time.

One panel a table, after Fig. S.1 of RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033). Bars are 95 %
intervals over scenes; they cover no training seeds.
"""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import stdtrit

from simagents.config.figures import GoalRates
from simagents.errors import InputError
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs

WIDTH = 0.38
"""Of a bar, where rows are 1 apart."""


def draw(settings: GoalRates, inputs: FigureInputs) -> Figure:
    """Rows in the order of the tables. Raises InputError for a table without the columns."""
    most = max(len(inputs.cells[name]["rows"]) for name in settings.tables)
    figure, all_axes = plt.subplots(
        1, len(settings.tables), figsize=(TEXT_WIDTH, 0.9 + 0.36 * most), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, name in zip(all_axes[0], settings.tables, strict=True):
        _panel(axes, name, inputs.cells[name])
    handles, labels = all_axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, borderaxespad=0.2)
    return figure


def _panel(axes: Axes, name: str, cells: dict) -> None:
    rows, places = cells["rows"], np.arange(len(cells["rows"]))
    reach, passing = sns.color_palette("colorblind", 2)
    quantile = stdtrit(cells["scenarios"] - 1, 0.975)
    for offset, colour, label, rates in (
        (-WIDTH / 2, reach, "reached at the end", [_rate(name, row, "reach_rate") for row in rows]),
        (WIDTH / 2, passing, "passed", [_passed(name, row) for row in rows]),
    ):
        mean, error = np.array(rates).T * 100
        axes.barh(
            places + offset, mean, height=WIDTH, color=colour, label=label, linewidth=0,
            xerr=quantile * error, error_kw={"linewidth": 0.7, "capsize": 1.5},
        )  # fmt: skip
    axes.set_yticks(places, [row["label"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.tick_params(left=False)
    axes.set_xlabel("% of goals")
    axes.set_title(name.replace("_", " "))


def _rate(name: str, row: dict, key: str) -> tuple[float, float]:
    """Mean and standard error over scenes; NaN where they do not exist."""
    if key not in row["cells"]:
        raise InputError(f"{name}: give the table the column {key}.")
    cell = row["cells"][key]
    return tuple(np.nan if cell[k] is None else cell[k] for k in ("mean", "standard_error"))


def _passed(name: str, row: dict) -> tuple[float, float]:
    """From either column: who does not miss a goal passes it."""
    if "pass_miss" not in row["cells"]:
        return _rate(name, row, "pass_rate")
    missed, error = _rate(name, row, "pass_miss")
    return 1 - missed, error
