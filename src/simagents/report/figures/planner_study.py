"""Figure: whether systems that are more realistic judge planners better."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from simagents.config.figures import PlannerStudy
from simagents.errors import InputError
from simagents.report.columns import column
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.rows import NO_CONTESTANT
from simagents.report.series import series

REALISM, DRIVEN = "metametric", "distance"
PANELS = {"rank_log": ("rank_low", "rank_high"), "value_error": ("error_low", "error_high")}
IDLE = 0.5
"""Share of the logged metres below which a system's symbol is open."""


def draw(settings: PlannerStudy, inputs: FigureInputs) -> Figure:
    """A point for each row but the log's, and a line at the log's own realism.

    Raises InputError for a table without the columns that are drawn.
    """
    (name,) = settings.tables
    cells = inputs.cells[name]
    needed = (REALISM, DRIVEN, *(key for kind, ends in PANELS.items() for key in (kind, *ends)))
    missing = [key for key in needed if key not in cells["columns"]]
    if missing:
        raise InputError(f"{name}: give the table the columns {', '.join(missing)}.")
    rows = [row for row in cells["rows"] if NO_CONTESTANT not in row["systems"]]
    logs = [row for row in cells["rows"] if NO_CONTESTANT in row["systems"]]
    styles = series(len(rows))
    lines = -(-len(rows) // 3)
    figure, axes = plt.subplots(
        1, 2, figsize=(TEXT_WIDTH, 2.4 + 0.17 * lines), layout="constrained"
    )
    for panel, (kind, ends) in zip(axes, PANELS.items(), strict=True):
        for row, (colour, marker, _) in zip(rows, styles, strict=True):
            realism, driven, value, low, high = (
                _mean(row, key) for key in (REALISM, DRIVEN, kind, *ends)
            )
            panel.plot([realism] * 2, [low, high], color=colour, linewidth=1)
            panel.plot(
                realism, value, marker=marker, markersize=4.5, color=colour,
                markerfacecolor="white" if driven < IDLE else colour,
            )  # fmt: skip
        for row in logs:
            panel.axvline(_mean(row, REALISM), color="0.6", linewidth=0.7, linestyle=(0, (4, 2)))
        panel.set_xlabel("realism meta-metric (dashes: the log)")
        panel.set_ylabel(column(kind).heading)
        panel.grid(color="0.9", linewidth=0.5)
        panel.set_axisbelow(True)
    handles = [
        plt.Line2D(
            [],
            [],
            color=style.colour,
            marker=style.marker,
            linestyle="none",
            markersize=4.5,
            markerfacecolor="white" if _mean(row, DRIVEN) < IDLE else style.colour,
        )
        for row, style in zip(rows, styles, strict=True)
    ]
    labels = [row["label"] for row in rows]
    figure.legend(handles, labels, loc="outside lower left", ncols=3, borderaxespad=0.2)
    return figure


def _mean(row: dict, key: str) -> float:
    """NaN where the number does not exist."""
    mean = row["cells"][key]["mean"]
    return np.nan if mean is None else mean
