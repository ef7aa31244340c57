"""Figure: planners' ranks among each system's agents against their ranks in playback of the log."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from simagents.config.figures import PlannerRanks
from simagents.report.agreement import ranks, spearman
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.planner_values import values_of
from simagents.report.rows import NO_CONTESTANT

COLUMNS = 3


def draw(settings: PlannerRanks, inputs: FigureInputs) -> Figure:
    """A panel for each row but the log's; values are means over scenes and seeds. Rank 1 is the best.

    A panel's title has Spearman's rho of the drawn points, n/a where all planners are worth the same.
    """
    shown = [row for row in inputs.rows if NO_CONTESTANT not in row.systems]
    log = inputs.planners[NO_CONTESTANT]
    reference = log.to_numpy().mean(axis=0)
    depth = [_depth(name) for name in log.columns]
    groups = sorted(set(depth))
    colours = dict(zip(groups, sns.color_palette("viridis", len(groups)), strict=True))
    lines = -(-len(shown) // COLUMNS)
    figure, axes = plt.subplots(
        lines, COLUMNS, figsize=(TEXT_WIDTH, 1.9 * lines + 0.3), layout="constrained",
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    for place, panel in enumerate(axes.flat):
        if place >= len(shown):
            panel.set_axis_off()
            continue
        values = values_of(shown[place], inputs.planners).mean(axis=(0, 1))
        panel.plot([1, len(values)], [1, len(values)], color="0.8", linewidth=0.7, zorder=0)
        for group in groups:
            mine = np.array([each == group for each in depth])
            panel.scatter(
                ranks(-reference)[mine], ranks(-values)[mine], s=7, color=colours[group],
                linewidth=0, label=group if place == 0 else None,
            )  # fmt: skip
        rho = float(spearman(values, reference))
        said = "n/a" if np.isnan(rho) else f"{rho:.2f}"
        panel.set_title(f"{shown[place].label}, $\\rho$ = {said}")
        panel.set_aspect("equal")
    for panel in axes[-1]:
        panel.set_xlabel("rank, log")
    for panel in axes[:, 0]:
        panel.set_ylabel("rank")
    figure.legend(loc="outside upper right", ncols=len(groups), borderaxespad=0.2)
    return figure


def _depth(name: str) -> str:
    """The look-ahead of a random-shooting planner, from its name; others are called own."""
    _, found, steps = name.rpartition("-D")
    return f"{int(steps):2d} steps" if found and steps.isdigit() else "own"
