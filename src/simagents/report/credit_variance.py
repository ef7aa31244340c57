"""How the variance of credit depends on the rollouts of a scene: RLFTSim's Fig. 2."""

from dataclasses import dataclass

import numpy as np

from simagents.report.gradient_noise import LEAST_SCENES, Measured, advantages
from simagents.report.jackknife import Interval, jackknifed, leaving_out, of_logarithm, slopes

FITTED_FROM = 4
"""Least N of the fit: at N = 2 MLOO compares sets of one rollout, and RLOO's own factor N / (N - 1) is
far from 1."""


@dataclass(frozen=True)
class Variance:
    """Of the credit within groups of N rollouts."""

    mean: Interval
    """the mean of logarithms over scenes, raised back"""
    low: float
    """one standard deviation of the logarithms below the mean, raised back"""
    high: float


def credit_variance(measured: Measured, rule: str) -> tuple[dict[int, Variance], Interval]:
    """The variance of a rule's credit, by N; and the exponent of N in it, fitted from FITTED_FROM on.

    Of each scene the mean square of its groups' advantages, then means of logarithms over scenes, so
    that no scene outweighs the others (Ahmadi et al. 2026, arXiv:2605.19033, Fig. 2). For rules whose
    advantages of a group add up to zero: `mloo`, `rloo`, `scene_mean`. Scenes in which all rollouts are
    worth the same for some N have no logarithm and are left out; NaN where fewer than LEAST_SCENES are
    left.
    """
    squares = np.array(
        [(advantages(measured, size)[rule] ** 2).mean(axis=(1, 2)) for size in measured.sizes]
    )
    logarithms = np.log(squares[:, (squares > 0).all(axis=0)])
    if logarithms.shape[1] < LEAST_SCENES:
        nothing = Interval(np.nan, np.nan, np.nan)
        return dict.fromkeys(measured.sizes, Variance(nothing, np.nan, np.nan)), nothing
    estimates = np.exp([leaving_out(of_size) for of_size in logarithms])
    by_size = {}
    for size, of_size, deviation in zip(
        measured.sizes, estimates, logarithms.std(axis=1, ddof=1), strict=True
    ):
        mean, reach = of_logarithm(of_size), float(np.exp(deviation))
        by_size[size] = Variance(mean, mean.value / reach, mean.value * reach)
    fitted = [place for place, size in enumerate(measured.sizes) if size >= FITTED_FROM]
    sizes = [measured.sizes[place] for place in fitted]
    return by_size, jackknifed(slopes(sizes, estimates[fitted]))
