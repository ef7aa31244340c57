"""How sure one can be of a mean over scenarios."""

import numpy as np
from jaxtyping import Float64

RESAMPLES = 5_000
LEVEL = 0.95
_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


def resampled_means(values: Float64[np.ndarray, "N C"]) -> Float64[np.ndarray, "B C"]:
    """Means of each column over scenarios that are drawn with replacement, B = RESAMPLES times.

    Efron & Tibshirani 1993, ch. 13. All columns see the same draws, which is what makes a
    difference of two of them paired. Random numbers are Philox with key 0: equal values give equal
    means. What follows covers the choice of scenarios and not that of training seeds or rollouts.

    N scenarios, C columns. NaN wherever a column has one.
    """
    generator = np.random.Generator(np.random.Philox(0))
    count = len(values)
    means = np.empty((RESAMPLES, values.shape[1]))
    for resample in range(RESAMPLES):
        # How often each scenario is drawn: a product with it is faster than to gather the rows.
        drawn = np.bincount(generator.integers(count, size=count), minlength=count)
        means[resample] = drawn @ values / count
    return means


def intervals(values: Float64[np.ndarray, "N C"]) -> Float64[np.ndarray, "2 C"]:
    """Percentile intervals of the mean of each column: lower ends, then upper ends."""
    return np.quantile(resampled_means(values), _TAILS, axis=0)
