"""Figure: what every run logged while it trained, stage by stage.

One row of panels per way of learning, one panel per logged quantity, one colour per row of the
figure. Thin lines are all steps, thick ones a rolling mean, so that smoothing hides nothing.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from simagents.config.figures import TrainingCurves
from simagents.errors import InputError
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.rows import Row
from simagents.report.series import Dash, series

WINDOW = 0.1
"""Share of a run's steps that the thick line averages over."""
_POINTS = 400
"""Longer runs are drawn as the range and the mean of so many blocks of steps."""

TITLES = {
    "cross_entropy": "cross-entropy (nats)",
    "accuracy": "accuracy",
    "distance_to_log": "distance to the log (m)",
    "reward": "reward",
    "kl": "KL (nats)",
    "beta": "$\\beta$",
    "entropy": "entropy (nats)",
    "positive": "share above $\\alpha$",
    "gradient_norm": "gradient norm",
    "explained": "explained",
}
"""Logged quantities, as they are titled."""
LOGARITHMIC = ("gradient_norm", "beta")
"""Quantities that have spikes or grow by factors: drawn over powers of ten where they span more than one."""

_DECADES = 1000
"""Axes that span this factor have ticks at powers of ten alone."""


@dataclass(frozen=True)
class Stage:
    """Runs that learn in the same way, known by what they log."""

    title: str
    mark: str | None
    """the quantity that only these runs log; None for what is left"""
    quantities: tuple[str, ...]


STAGES = (
    Stage("Behaviour cloning", None, ("cross_entropy", "accuracy", "gradient_norm")),
    Stage(
        "Closed-loop supervised fine-tuning",
        "distance_to_log",
        ("cross_entropy", "accuracy", "distance_to_log", "gradient_norm"),
    ),
    Stage(
        "Reinforcement fine-tuning",
        "reward",
        ("reward", "kl", "beta", "entropy", "gradient_norm", "explained"),
    ),
)


@dataclass(frozen=True, eq=False)
class Curve:
    """One run's history in the colour of its row."""

    label: str
    colour: tuple[float, float, float]
    history: pd.DataFrame
    dash: Dash = "-"


def draw(settings: TrainingCurves, inputs: FigureInputs) -> Figure:
    """Panels for the stages that occur, each with the quantities that its runs logged.

    Rows of baselines and imports have no curves and are left out. Raises InputError where no row is trained,
    and where a run has no history.
    """
    curves = curves_of(inputs.rows, inputs.histories)
    stages = {stage: [c for c in curves if _stage(c.history) is stage] for stage in STAGES}
    panels = [
        (stage, members, [q for q in stage.quantities if _shown(q, members)])
        for stage, members in stages.items()
        if members
    ]
    columns = max(len(quantities) for _, _, quantities in panels)
    labels = {curve.label: curve for curve in curves}
    wide = _legend_columns(list(labels))
    heights = [1.55] * len(panels) + [0.2 + 0.17 * -(-len(labels) // wide)]
    figure = plt.figure(figsize=(TEXT_WIDTH, sum(heights)), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.03, wspace=0.02, hspace=0.02)
    *bands, legend = figure.subfigures(len(heights), 1, height_ratios=heights)
    for band, (stage, members, quantities) in zip(bands, panels, strict=True):
        band.suptitle(stage.title, x=0.008, ha="left", fontsize=9)
        grid = band.subplots(1, columns, squeeze=False)[0]
        for axes, quantity in zip(grid[: len(quantities)], quantities, strict=True):
            _panel(axes, quantity, members)
        for axes in grid[len(quantities) :]:
            axes.axis("off")
        grid[0].set_xlabel("step", loc="left")
    _legend(legend, labels, wide, shaded=any(_long(curve.history) for curve in curves))
    return figure


def curves_of(rows: list[Row], histories: dict[str, pd.DataFrame]) -> list[Curve]:
    """One curve per row and seed; rows that name the same run share its first row's curve.

    Raises InputError where no row is trained, and where a run has no history.
    """
    trained = [row for row in rows if row.trained]
    if not trained:
        raise InputError("--rows: none of the rows is trained, so there is nothing to draw.")
    curves, drawn = [], set()
    for row, (colour, _, dash) in zip(trained, series(len(trained)), strict=True):
        for system in row.systems:
            if system not in histories:
                raise InputError(f"{row.label}: no history of {system} given.")
            if system not in drawn:
                curves.append(Curve(row.label, colour, histories[system], dash))
                drawn.add(system)
    return curves


def _shown(quantity: str, curves: list[Curve]) -> bool:
    """Whether a run logged it, and, of β, which most recipes fix, several values."""
    values = [curve.history[quantity] for curve in curves if quantity in curve.history]
    return any(quantity != "beta" or one.nunique() > 1 for one in values)


def _stage(history: pd.DataFrame) -> Stage:
    marked = [stage for stage in STAGES if stage.mark in history]
    return marked[0] if marked else STAGES[0]


def _panel(axes: Axes, quantity: str, curves: list[Curve]) -> None:
    for curve in curves:
        if quantity in curve.history:
            _line(axes, curve, quantity, shade=min(0.25, 1 / len(curves)))
    if quantity == "reward":
        _threshold(axes, curves)
    if quantity == "explained":  # share of the variance of returns: 1 at best, 0 for a constant
        axes.axhline(0, color="0.6", linewidth=0.8)
        axes.set_ylim(-1, 1)
    axes.set_title(TITLES[quantity])
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    low, high = axes.dataLim.intervaly
    if quantity in LOGARITHMIC and 0 < 10 * low < high:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        subs = (1, 2, 5) if high < _DECADES * low else (1,)
        axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=5))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.margins(x=0.02)
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)


def _line(axes: Axes, curve: Curve, quantity: str, shade: float) -> None:
    """All steps thin, or their range shaded, and their centred mean thick where the window fits."""
    values, colour = curve.history[quantity], curve.colour
    window = max(2, round(WINDOW * len(values)))
    mean = values.rolling(window, center=True).mean()
    if not _long(values):
        axes.plot(values.index, values, color=colour, alpha=0.35, linewidth=0.4)
    else:
        block = np.arange(len(values)) * _POINTS // len(values)
        step = values.index.to_series().groupby(block).median()
        groups = values.groupby(block)
        axes.fill_between(step, groups.min(), groups.max(), color=colour, alpha=shade, linewidth=0)
        mean = mean.groupby(block).mean().set_axis(step)
    axes.plot(mean.index, mean, color=colour, linestyle=curve.dash)


def _long(values: pd.Series | pd.DataFrame) -> bool:
    return len(values) > 2 * _POINTS


def _threshold(axes: Axes, curves: list[Curve]) -> None:
    """MPO's α, which the history holds as reward minus advantage."""
    for curve in curves:
        if {"reward", "advantage"} <= set(curve.history):
            alpha = curve.history["reward"] - curve.history["advantage"]
            if np.ptp(alpha) < 1e-4:
                axes.axhline(alpha.median(), color="0.3", linewidth=0.7, linestyle=(0, (4, 2)))
                axes.annotate(
                    r"$\alpha$", (1, alpha.median()), xycoords=("axes fraction", "data"),
                    xytext=(1, 0), textcoords="offset points", va="center", ha="left", color="0.3",
                )  # fmt: skip


def _legend_columns(labels: list[str]) -> int:
    """As many labels side by side as a line of some hundred letters holds."""
    for columns in range(min(len(labels), 6), 1, -1):
        widest = [max(map(len, labels[i::columns])) for i in range(columns)]
        if sum(widest) + 6 * columns <= 100:
            return columns
    return 1


def _legend(band: SubFigure, labels: dict[str, Curve], columns: int, shaded: bool) -> None:
    handles = [plt.Line2D([], [], color=c.colour, linestyle=c.dash) for c in labels.values()]
    # A legend fills columns first; rows of the figure read along lines.
    order = [i for column in range(columns) for i in range(column, len(labels), columns)]
    names = list(labels)
    band.legend(
        [handles[i] for i in order], [names[i] for i in order], loc="upper left", ncols=columns,
        bbox_to_anchor=(0, 1), borderaxespad=0.2, borderpad=0.2, labelspacing=0.3,
        handlelength=1.2, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip
    steps = "Shaded: range of neighbouring steps" if shaded else "Thin: every step"
    note = f"{steps}. Thick: centred mean over {WINDOW:.0%} of a run's steps."
    band.text(0.008, 0.02, note, fontsize=7, color="0.35", va="bottom")
