"""Figure: scenes that each credit rule's gradient needs, and its noise over N, both with intervals.

Where the interval of the signal includes zero only a lower limit of the scenes is known; an arrow and
a `>` say so.
"""

from math import isfinite

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simagents.config.figures import GradientNoise
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.gradient_noise import LABELS, Measured, noise_of, noise_slopes
from simagents.report.gradient_table import scenes_text
from simagents.report.series import MARKERS


def draw(settings: GradientNoise, inputs: FigureInputs) -> Figure:
    """For the one policy that is given."""
    (path,) = inputs.gradients
    measured = Measured.read(path)
    colours = dict(zip(LABELS, sns.color_palette("colorblind", len(LABELS)), strict=True))
    figure, (scenes, noise) = plt.subplots(1, 2, figsize=(TEXT_WIDTH, 3.5), layout="constrained")
    _draw_scenes(scenes, measured, colours)
    _draw_noise(noise, measured, colours)
    return figure


def _draw_scenes(axes: Axes, measured: Measured, colours: dict) -> None:
    rules = noise_of(measured, measured.group)
    for place, (rule, noise) in enumerate(rules.items()):
        needed = noise.scenes
        style = {"color": colours[rule], "linewidth": 1.2}
        if isfinite(needed.high):
            axes.barh(place, needed.value, height=0.6, color=colours[rule], alpha=0.5)
            axes.plot([needed.low, needed.high], [place, place], **style)
        else:  # only a lower limit is known
            axes.plot(needed.low, place, marker=">", markersize=5, **style)
        text = scenes_text(needed).replace(">", "$>$")
        if noise.relative is not None:
            text += f", noise $\\times$ {noise.relative.value:.2g}"
        axes.annotate(
            text, (needed.low, place), xytext=(0, 5), textcoords="offset points", fontsize=7
        )
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 2, high * (high / low) ** 1.5)  # room for the numbers
    axes.set_yticks(range(len(rules)), [LABELS[rule] for rule in rules], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel(f"scenes for as much noise as signal, $N={measured.group}$")


def _draw_noise(axes: Axes, measured: Measured, colours: dict) -> None:
    sizes = np.array(measured.sizes)
    by_size = [noise_of(measured, size) for size in measured.sizes]
    slopes = noise_slopes(measured)
    for (rule, colour), marker in zip(colours.items(), MARKERS, strict=False):
        noises = [rules[rule].noise for rules in by_size]
        value = np.array([noise.value for noise in noises])
        ends = np.array([[noise.low, noise.high] for noise in noises]).T
        slope = slopes[rule]
        label = f"${slope.value:.1f}$ (${slope.low:.1f}$ to ${slope.high:.1f}$)"
        axes.errorbar(
            sizes, value, np.abs(ends - value), color=colour, marker=marker, markersize=3,
            linewidth=1, label=label,
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sizes, list(map(str, sizes)))
    axes.set_xlabel("rollouts of a scene, $N$")
    axes.set_ylabel("noise of one scene's gradient")
    axes.figure.legend(
        title="exponent of $N$", fontsize=7, title_fontsize=7, loc="outside lower right", ncols=4
    )
