"""Figure: variance of leave-one-out credit over the rollouts of a scene, and what each gradient needs.

Left as RLFTSim's Fig. 2 (Ahmadi et al. 2026, arXiv:2605.19033): its Proposition 3 has the variance of
MLOO fall as 1/N² and that of RLOO stay. Right the number of
rollouts of a step for as much noise as signal in its gradient, which says which rule to use at which N.
"""

from math import isfinite

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simagents.config.figures import RewardVariance
from simagents.report.credit_variance import FITTED_FROM, credit_variance
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.gradient_noise import LABELS, Measured, rollouts_needed

CENTRED = ("rloo", "mloo")
COMPARED = ("constant", "leave_one_out", "mloo", "rloo", "scene_mean")
LAW = {"mloo": lambda n: 1 / (n * (n - 1)), "rloo": lambda n: n / (n - 1)}
"""The paper's Proposition 3, 1/N² and constant, for credit that is linear in the rollouts, where it is exact
with these factors of finite N. Between N = 4 and 16 their exponents are -2.16 and -0.16."""


def draw(settings: RewardVariance, inputs: FigureInputs) -> Figure:
    """For the one policy that is given."""
    (path,) = inputs.gradients
    measured = Measured.read(path)
    colours = dict(zip(LABELS, sns.color_palette("colorblind", len(LABELS)), strict=True))
    figure, (variance, needed) = plt.subplots(1, 2, figsize=(TEXT_WIDTH, 2.9), layout="constrained")
    _draw_variance(variance, measured, colours)
    _draw_needed(needed, measured, colours)
    for axes in (variance, needed):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(measured.sizes, list(map(str, measured.sizes)))
        axes.set_xlabel("rollouts of a scene, $N$")
    return figure


def _draw_variance(axes: Axes, measured: Measured, colours: dict) -> None:
    sizes = np.array(measured.sizes)
    for rule in CENTRED:
        by_size, slope = credit_variance(measured, rule)
        points = [by_size[size] for size in measured.sizes]
        value = np.array([point.mean.value for point in points])
        label = (
            f"{LABELS[rule]}: $N^{{{slope.value:.2f}}}$ (${slope.low:.2f}$ to ${slope.high:.2f}$)"
        )
        axes.plot(sizes, value, color=colours[rule], marker="o", markersize=3, label=label)
        axes.fill_between(
            sizes, [point.low for point in points], [point.high for point in points],
            color=colours[rule], alpha=0.15, linewidth=0,
        )  # fmt: skip
        middle = len(sizes) // 2
        law = value[middle] * LAW[rule](sizes) / LAW[rule](sizes[middle])
        axes.plot(sizes, law, color=colours[rule], linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_ylabel("variance of credit in a scene")
    axes.legend(
        fontsize=7,
        title=f"exponent for $N \\geq {FITTED_FROM}$, with 95 % interval",
        title_fontsize=7,
    )


def _draw_needed(axes: Axes, measured: Measured, colours: dict) -> None:
    by_size = [rollouts_needed(measured, size) for size in measured.sizes]
    # Side by side, so that rules do not hide one another.
    beside = np.exp(np.linspace(-0.12, 0.12, len(COMPARED)))
    for rule, shift in zip(COMPARED, beside, strict=True):
        style = {"color": colours[rule], "markersize": 4, "linestyle": "none"}
        label = LABELS[rule]
        for size, needed in zip(measured.sizes, by_size, strict=True):
            interval = needed[rule]
            if isfinite(interval.high):
                ends = [[interval.value - interval.low], [interval.high - interval.value]]
                axes.errorbar(
                    size * shift,
                    interval.value,
                    ends,
                    marker="o",
                    linewidth=1,
                    label=label,
                    **style,
                )
            else:  # only a lower limit is known
                axes.plot(size * shift, interval.low, marker="^", label=label, **style)
            label = None
    axes.set_ylabel("rollouts of a step, noise = signal")
    axes.legend(fontsize=7)
