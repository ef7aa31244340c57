"""How sure one can be that two systems differ: over training seeds and scenarios together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """The mean of one system's scores minus another's on the same scenarios."""

    mean: float
    low: float
    """ends of the interval at LEVEL"""
    high: float
    p: float
    """two-sided, of no difference"""
    covers_seeds: bool
    """whether the interval covers the choice of training seeds; else of scenarios alone"""


def difference(
    scores: Float64[np.ndarray, "S N"], others: Float64[np.ndarray, "Z N"]
) -> Difference:
    """Of two systems, each scored under its seeds on the same N scenarios, paired by both.

    A system without training has one row of scores; it is the same for all seeds of the other.

    Under S > 1 seeds the differences d_sn are a two-way layout, seeds by scenarios, both random. The
    variance of their mean is estimated by s²_seed / S + s²_scenario / N, the variances of the means
    over scenarios of each seed and over seeds of each scenario (Bouthillier et al. 2021,
    arXiv:2103.03098, on why training variance belongs in it). It counts the residual variance twice,
    so the interval errs on the wide side. Degrees of freedom are Satterthwaite's (1946, Biometrics
    Bulletin 2:110) for that sum, which makes it a t interval with S - 1 degrees where seeds dominate
    and with N - 1 where scenarios do.

    Under one seed the interval covers the choice of scenarios alone, by a t interval with N - 1
    degrees of freedom, which holds at few scenarios where a percentile bootstrap is too narrow.
    All numbers are NaN where a score is; ends and p are NaN for a single scenario.
    """
    both = np.broadcast_shapes(scores.shape, others.shape)
    delta = np.broadcast_to(scores, both) - np.broadcast_to(others, both)
    seeds, count = delta.shape
    of_scenarios = _variance_of_mean(delta.mean(axis=0))
    if seeds == 1:
        return _interval(delta.mean(), of_scenarios, count - 1.0, covers_seeds=False)
    of_seeds = _variance_of_mean(delta.mean(axis=1))
    variance = of_scenarios + of_seeds
    # Not a number where nothing varies; no interval is needed there.
    squares = np.float64(of_seeds**2 / (seeds - 1) + of_scenarios**2 / max(count - 1, 1))
    with np.errstate(invalid="ignore"):
        freedom = float(variance**2 / squares)
    return _interval(delta.mean(), variance, freedom, covers_seeds=True)


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted for their number: Holm 1979, Scand. J. Stat. 6:65. NaN stay and do not count.

    A table whose adjusted values are compared with 5 % has a false verdict in at most 5 % of cases.
    """
    defined = [place for place in range(len(p)) if not np.isnan(p[place])]
    adjusted, largest = list(p), 0.0
    for rank, place in enumerate(sorted(defined, key=lambda place: p[place])):
        largest = max(largest, (len(defined) - rank) * p[place])
        adjusted[place] = min(largest, 1.0)
    return adjusted


def _variance_of_mean(values: Float64[np.ndarray, "N"]) -> float:
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else np.nan


def _interval(
    mean: float | np.floating, variance: float, freedom: float, *, covers_seeds: bool
) -> Difference:
    error = np.sqrt(variance)
    if error == 0:  # the same scores everywhere: equal, or apart beyond doubt
        p = 1.0 if mean == 0 else 0.0
        return Difference(float(mean), float(mean), float(mean), p, covers_seeds)
    half = stats.t.ppf((1 + LEVEL) / 2, freedom) * error
    p = 2 * stats.t.sf(abs(mean) / error, freedom)
    return Difference(float(mean), float(mean - half), float(mean + half), float(p), covers_seeds)
