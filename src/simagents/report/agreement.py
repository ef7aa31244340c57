"""How alike two systems judge planners, with intervals over scenes, planners and seeds together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

LEVEL = 0.95
RESAMPLES = 2_000
HALVINGS = 200
MOST_UNDEFINED = 0.05
"""Share of resamples beyond which there is no interval."""
_NONE = (float("nan"), float("nan"))

Values = Float64[np.ndarray, "_ N P"]
"""Returns by seed, scene and planner; S = 1 for a system without training."""


Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Of two systems' values [..., P] of planners."""


class Agreement(NamedTuple):
    """One number with its interval at LEVEL. NaN where it does not exist."""

    value: float
    low: float
    high: float
    resampled: Float64[np.ndarray, "B"]
    """the same of every resample"""


@dataclass(frozen=True, eq=False)
class Resamples:
    """B draws with replacement of scenes, planners and seeds: the same for all that is compared.

    The pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1:386; McCullagh 2000, Bernoulli
    6:285): rows and columns of the table scenes x planners are drawn independently, and seeds as well.
    For a mean its variance is never much too small, whatever the parts of the variance are. Random
    numbers are Philox with key 0: equal values give equal intervals.
    """

    scene: Float64[np.ndarray, "B N"]
    """share of each scene in a resample"""
    planner: Int64[np.ndarray, "B P"]
    seed: Int64[np.ndarray, "B S"]

    @staticmethod
    def of(seeds: int, scenes: int, planners: int) -> "Resamples":
        generator = np.random.Generator(np.random.Philox(0))
        drawn = generator.integers(scenes, size=(RESAMPLES, scenes))
        counts = np.apply_along_axis(np.bincount, 1, drawn, minlength=scenes)
        return Resamples(
            counts / scenes,
            generator.integers(planners, size=(RESAMPLES, planners)),
            generator.integers(seeds, size=(RESAMPLES, seeds)),
        )

    def correlation(self, values: Values, others: Values) -> Agreement:
        """Spearman's rho of two systems' values of planners, a mean over pairs of seeds."""
        return self._agreement(values, others, spearman)

    def error(self, values: Values, others: Values) -> Agreement:
        """The mean absolute difference of two systems' values of planners, a mean over pairs of seeds.

        Scenes that are drawn with replacement add noise to differences, and noise adds to their absolute values:
        resamples are larger than the value on average, so the interval lies high.
        """
        return self._agreement(values, others, absolute_difference)

    def _agreement(self, values: Values, others: Values, statistic: Statistic) -> Agreement:
        plain = statistic(values.mean(axis=1)[:, None], others.mean(axis=1)[None])
        resampled = []
        for resample in range(len(self.scene)):
            one, two = (
                (self.scene[resample] @ each[self._seeds(each, resample)])[
                    :, self.planner[resample]
                ]
                for each in (values, others)
            )
            resampled.append((one, two))
        ones, twos = (np.stack(each) for each in zip(*resampled, strict=True))
        found = statistic(ones[:, :, None], twos[:, None]).mean(axis=(1, 2))
        value = float(plain.mean())
        return Agreement(value, *(interval(found) if not np.isnan(value) else _NONE), found)

    def _seeds(self, values: Values, resample: int) -> Int64[np.ndarray, "S"]:
        """Which seeds a resample has; a system with one line is the same under all of them."""
        return self.seed[resample] if len(values) > 1 else np.zeros(1, np.int64)


def interval(resampled: Float64[np.ndarray, "B"]) -> tuple[float, float]:
    """Percentiles at LEVEL. NaN where more than 5 % of the resamples are undefined, as those in which all
    planners are worth the same; fewer are left out."""
    undefined = np.isnan(resampled)
    if undefined.mean() > MOST_UNDEFINED:
        return _NONE
    low, high = np.quantile(resampled[~undefined], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def spearman(
    one: Float64[np.ndarray, "*#B P"], two: Float64[np.ndarray, "*#B P"]
) -> Float64[np.ndarray, "*B"]:
    """Correlation of ranks, ties at their mean rank. NaN where all values of one side are equal: planners
    that cannot be told apart have no order that could be right."""
    a, b = (ranks(each) for each in (one, two))
    a, b = (each - each.mean(axis=-1, keepdims=True) for each in (a, b))
    scale = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 0, (a * b).sum(axis=-1) / scale, np.nan)


def ranks(values: Float64[np.ndarray, "*B P"]) -> Float64[np.ndarray, "*B P"]:
    """From 1 for the least; values that tie have the mean of their ranks. NaN beside a NaN.

    Sorted values that tie stand from the first place to the last one of their kind.
    """
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    place = np.arange(values.shape[-1])
    new = np.ones(values.shape, bool)
    new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    first = np.maximum.accumulate(np.where(new, place, 0), axis=-1)
    ends = np.ones(values.shape, bool)
    ends[..., :-1] = new[..., 1:]
    after = np.where(ends, place, values.shape[-1])
    last = np.minimum.accumulate(after[..., ::-1], axis=-1)[..., ::-1]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (first + last) / 2 + 1, axis=-1)
    return np.where(np.isnan(values).any(axis=-1, keepdims=True), np.nan, found)


def absolute_difference(
    one: Float64[np.ndarray, "*#B P"], two: Float64[np.ndarray, "*#B P"]
) -> Float64[np.ndarray, "*B"]:
    """Mean over planners."""
    return np.asarray(np.abs(one - two).mean(axis=-1))


def split_halves(values: Values) -> float:
    """Spearman's rho between the values on one half of the scenes and on the other, a mean over random
    halves and seeds: how well a system's ranking repeats itself. NaN for a single scene."""
    scenes = values.shape[1]
    if scenes < 2:
        return float("nan")
    generator = np.random.Generator(np.random.Philox(1))
    found = []
    for _ in range(HALVINGS):
        order, half = generator.permutation(scenes), scenes // 2
        one, two = (values[:, each].mean(axis=1) for each in (order[:half], order[half:]))
        found.append(spearman(one, two))
    return float(np.mean(found))
