"""Scores of many scenarios as a few numbers, and how sure one can be of them."""

import numpy as np
import pandas as pd
from jaxtyping import Float64

RESAMPLES = 2_000
LEVEL = 0.95


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard error and 95 % interval of each field; one row a field.

    `scores`: one row a scenario, only fields as columns. The mean over scenarios is what the
    leaderboard shows. The standard error is that of the mean, NaN for a single scenario. Intervals
    are percentiles of the bootstrap over scenarios (Efron & Tibshirani 1993, ch. 13): they cover
    the choice of scenarios, and not that of training seeds or rollouts. Random numbers are Philox
    with key 0, so equal scores give equal intervals. A field with a NaN has NaN throughout.
    """
    values = scores.to_numpy(np.float64)
    count = len(values)
    error = (
        values.std(axis=0, ddof=1) / np.sqrt(count)
        if count > 1
        else np.full_like(values[0], np.nan)
    )
    low, high = _interval(values)
    return pd.DataFrame(
        {"mean": values.mean(axis=0), "standard_error": error, "low": low, "high": high},
        index=scores.columns,
    )


def _interval(values: Float64[np.ndarray, "N F"]) -> Float64[np.ndarray, "2 F"]:
    generator = np.random.Generator(np.random.Philox(0))
    count = len(values)
    means = np.empty((RESAMPLES, values.shape[1]))
    for resample in range(RESAMPLES):
        # How often each scenario is drawn: a product with it is faster than to gather the rows.
        drawn = np.bincount(generator.integers(count, size=count), minlength=count)
        means[resample] = drawn @ values / count
    return np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)


def typeset(summary: pd.DataFrame) -> str:
    """The summary as a table for a terminal."""
    width = max(map(len, summary.index))
    lines = [f"{'':{width}}      mean  std. error      95 % interval"]
    for name, row in summary.iterrows():
        numbers = [f"{value:.5f}" if np.isfinite(value) else "-" for value in row]
        mean, error, low, high = numbers
        lines.append(f"{name:{width}}  {mean:>8}    {error:>8}   {low:>8} {high:>8}")
    return "\n".join(lines)
