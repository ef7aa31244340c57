"""Intervals over scenes, from estimates that leave out each scene in turn.

An array of estimates has that of all scenes first, then those without the first scene, the second, and so on.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy import special

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number with the ends of its interval at LEVEL over scenes."""

    value: float
    low: float
    high: float


def leaving_out(by_scene: Float64[np.ndarray, "S *N"]) -> Float64[np.ndarray, "_ *N"]:
    """The mean over scenes, then the mean without each."""
    rest = (by_scene.sum(axis=0) - by_scene) / (len(by_scene) - 1)
    return np.concatenate([by_scene.mean(axis=0, keepdims=True), rest])


def jackknifed(estimates: Float64[np.ndarray, "_"]) -> Interval:
    """The first estimate is of all scenes, the others leave one out: Efron & Tibshirani 1993, ch. 11.

    The interval is the estimate ± Student's t of one degree of freedom less than scenes.
    """
    rest = estimates[1:]
    count = len(rest)
    error = np.sqrt((count - 1) / count * ((rest - rest.mean()) ** 2).sum())
    reach = special.stdtrit(count - 1, (1 + LEVEL) / 2) * error
    return Interval(
        *(float(end) for end in (estimates[0], estimates[0] - reach, estimates[0] + reach))
    )


def of_logarithm(estimates: Float64[np.ndarray, "_"]) -> Interval:
    """The jackknife of logarithms, for numbers above zero; NaN where one is not."""
    interval = jackknifed(np.log(np.where(estimates > 0, estimates, np.nan)))
    return Interval(*(float(np.exp(end)) for end in (interval.value, interval.low, interval.high)))


def inverted(ratio: Interval) -> Interval:
    """1 / ratio; what is not above zero becomes infinity."""

    def inverse(end: float) -> float:
        return 1 / end if end > 0 else np.inf

    return Interval(inverse(ratio.value), inverse(ratio.high), inverse(ratio.low))


def slopes(
    sizes: list[int], values: Float[np.ndarray, "sizes estimates"]
) -> Float64[np.ndarray, "_"]:
    """Of log values over log sizes, for each column; NaN where a value is not above zero."""
    if len(sizes) < 2:
        return np.full(values.shape[1], np.nan)
    logarithm = np.log(np.where(values > 0, values, np.nan))
    place = np.log(sizes) - np.log(sizes).mean()
    return place @ logarithm / (place @ place)
