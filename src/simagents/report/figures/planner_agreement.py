"""Figure: how alike all pairs of systems judge planners."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from simagents.config.figures import PlannerAgreement
from simagents.report.agreement import absolute_difference, spearman, split_halves
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.planner_values import values_of


def draw(settings: PlannerAgreement, inputs: FigureInputs) -> Figure:
    """Above the diagonal Spearman's rho, below it the mean absolute difference of values, on it a
    system's own rho between halves of the scenes. Values are means over scenes; numbers are means
    over pairs of seeds. n/a where all planners are worth the same."""
    values = [values_of(row, inputs.planners) for row in inputs.rows]
    means = [each.mean(axis=1) for each in values]
    count = len(values)
    correlation, error = np.full((count, count), np.nan), np.full((count, count), np.nan)
    for one in range(count):
        correlation[one, one] = split_halves(values[one], spearman)
        for two in range(one + 1, count):
            pair = means[one][:, None], means[two][None]
            correlation[one, two] = spearman(*pair).mean()
            error[two, one] = absolute_difference(*pair).mean()
    figure, axes = plt.subplots(figsize=(TEXT_WIDTH, 0.34 * count + 1.3), layout="constrained")
    upper = axes.imshow(correlation, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    lower = axes.imshow(error, cmap="Oranges", vmin=0, aspect="auto")
    for one in range(count):
        for two in range(count):
            number = error[one, two] if two < one else correlation[one, two]
            shade = upper if two >= one else lower
            dark = not np.isnan(number) and shade.norm(number) > 0.6
            axes.annotate(
                "n/a" if np.isnan(number) else f"${number:.2f}$", (two, one), ha="center", va="center",
                color="white" if dark else "black", fontsize=7,
            )  # fmt: skip
    labels = [row.label for row in inputs.rows]
    axes.set_xticks(range(count), labels, rotation=40, ha="right")
    axes.set_yticks(range(count), labels)
    axes.tick_params(length=0)
    figure.colorbar(upper, ax=axes, label="rank correlation", pad=0.01)
    figure.colorbar(lower, ax=axes, label="absolute difference", pad=0.01)
    return figure
