"""Figure: what a policy gains and how far it drives, against its divergence from the parent.

Left the gain in realism over the first row of each table on the same scenarios, with 95 % intervals
over seeds and scenarios where there are several seeds, else over scenarios alone; right the ratio of
metres driven to metres logged, with the first row's as a line. The divergence is drawn as its square
root, in which small changes of a policy are linear. Algorithms that lie on one curve differ in how far
they went, not in what they found.
"""

from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simagents.config.figures import Tradeoff
from simagents.errors import InputError
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.series import MARKERS, series

GAIN, DRIVEN, DIVERGENCE = "metametric", "distance", "kl"


def draw(settings: Tradeoff, inputs: FigureInputs) -> Figure:
    """A colour for every row's label, a marker for every table, or for every label where there is one table;
    a run that two tables show is drawn once.

    Raises InputError for a table without the columns `distance` and `kl`.
    """
    tables = {name: inputs.cells[name] for name in settings.tables}
    for name, cells in tables.items():
        missing = [key for key in (DRIVEN, DIVERGENCE) if key not in cells["columns"]]
        if missing:
            raise InputError(f"{name}: give the table the columns {', '.join(missing)}.")
    points = _points(tables)
    labels = list(dict.fromkeys(point["label"] for point in points))
    styles = dict(zip(labels, series(len(labels)), strict=True))
    lines = -(-len(labels) // 3)
    figure, (gain, driven) = plt.subplots(
        1, 2, figsize=(TEXT_WIDTH, 2.4 + 0.16 * lines), layout="constrained"
    )
    for point in points:
        own = styles[point["label"]]
        marker = own.marker if len(tables) == 1 else point["marker"]
        style = {"color": own.colour, "marker": marker, "markersize": 4.2}
        gain.plot(
            [point["kl"]] * 2, [point["low"], point["high"]], color=style["color"], linewidth=1
        )
        gain.plot(point["kl"], point["gain"], **style)
        driven.plot(point["kl"], point["driven"], **style)
    first = next(iter(tables.values()))["rows"][0]
    gain.axhline(0, color="0.4", linewidth=0.7, linestyle=(0, (4, 2)))
    driven.axhline(
        first["cells"][DRIVEN]["mean"], color="0.4", linewidth=0.7, linestyle=(0, (4, 2))
    )
    gain.set_ylabel(f"gain in realism over {first['label']}")
    driven.set_ylabel("metres driven, of the log")
    for axes in (gain, driven):
        _root_axis(axes)
    handles = [
        plt.Line2D(
            [],
            [],
            color=own.colour,
            marker=own.marker if len(tables) == 1 else "o",
            linestyle="none",
            markersize=4.2,
        )
        for own in styles.values()
    ]
    figure.legend(handles, labels, loc="outside lower left", ncols=3, borderaxespad=0.2)
    return figure


def _points(tables: dict[str, Any]) -> list[dict[str, Any]]:
    points, drawn = [], set()
    for cells, marker in zip(tables.values(), cycle(MARKERS)):
        gains = {d["row"]: d for d in cells["differences"][GAIN] if d["to"] == 0}
        for number, row in enumerate(cells["rows"][1:], start=1):
            divergence, systems = row["cells"][DIVERGENCE]["mean"], tuple(row["systems"])
            if systems in drawn or divergence is None:
                continue
            drawn.add(systems)
            points.append({
                "label": row["label"],
                "marker": marker,
                "kl": np.sqrt(max(divergence, 0.0)),
                "gain": gains[number]["mean"],
                "low": gains[number]["low"],
                "high": gains[number]["high"],
                "driven": row["cells"][DRIVEN]["mean"],
            })  # fmt: skip
    if not points:
        raise InputError(f"{', '.join(tables)}: no row has a divergence.")
    return points


def _root_axis(axes: Axes) -> None:
    axes.set_xlim(left=0)
    axes.set_xlabel("$\\sqrt{\\mathrm{KL}}$ from the parent (nats$^{1/2}$ an action)")
    axes.grid(color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
