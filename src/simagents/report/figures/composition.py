"""Figure: what the meta-metric pays each system for, part by part, and how far the system drives.

One stacked bar a row of the table: kinematic, interactive and map-based likelihoods times their
weights, which add up to the meta-metric. The number at the right is the ratio of metres driven to
metres logged: a system that scores well and drives little is paid for doing nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from simagents.config.figures import Composition
from simagents.errors import InputError
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs

WEIGHTS = {
    2024: {"kinematic": 0.20, "interactive": 0.45, "map": 0.35},
    2025: {"kinematic": 0.20, "interactive": 0.45, "map": 0.35},
}
"""Of the parts, by challenge year. The parts of 2023 have no weights of their own: features do."""
TOTAL, DRIVEN = "metametric", "distance"


def draw(settings: Composition, inputs: FigureInputs) -> Figure:
    """Rows in the order of the table, which needs the columns of the parts, the total and `distance`.

    Raises InputError for a table without them and for a year whose parts have no weights.
    """
    (name,) = settings.tables
    cells = inputs.cells[name]
    weights = WEIGHTS.get(cells["challenge"])
    if weights is None:
        raise InputError(f"{name}: the parts of challenge {cells['challenge']} have no weights.")
    missing = [key for key in (*weights, TOTAL, DRIVEN) if key not in cells["columns"]]
    if missing:
        raise InputError(f"{name}: give the table the columns {', '.join(missing)}.")
    rows = cells["rows"]
    figure, axes = plt.subplots(figsize=(TEXT_WIDTH, 0.7 + 0.27 * len(rows)), layout="constrained")
    places, left = np.arange(len(rows)), np.zeros(len(rows))
    for (key, weight), colour in zip(
        weights.items(), sns.color_palette("colorblind", len(weights)), strict=True
    ):
        part = weight * np.array([_mean(row, key) for row in rows])
        axes.barh(places, part, left=left, height=0.62, color=colour, label=key, linewidth=0)
        left += part
    for place, row in enumerate(rows):
        total, driven = _mean(row, TOTAL), _mean(row, DRIVEN)
        axes.annotate(
            f"{total:.3f}", (total, place), xytext=(4, 0), textcoords="offset points", va="center"
        )
        axes.annotate(
            "n/a" if np.isnan(driven) else f"{driven:.2f}", (1.005, place),
            xycoords=("axes fraction", "data"), va="center", ha="left",
        )  # fmt: skip
    axes.annotate(
        "driven", (1.005, 1.0), xycoords="axes fraction", va="bottom", ha="left", color="0.35"
    )
    axes.set_yticks(places, [row["label"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.tick_params(left=False)
    axes.set_xlabel("realism, as the sum of its weighted parts")
    figure.legend(loc="outside upper right", ncols=len(weights), borderaxespad=0.2)
    return figure


def _mean(row: dict, key: str) -> float:
    """NaN where the number does not exist."""
    mean = row["cells"][key]["mean"]
    return np.nan if mean is None else mean
