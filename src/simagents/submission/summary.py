"""Scores of many scenarios as a few numbers, and how sure one can be of them."""

import numpy as np
import pandas as pd

from simagents.bootstrap import intervals


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard error and 95 % interval of each field; one row a field.

    `scores`: one row a scenario, only fields as columns. The mean over scenarios is what the
    leaderboard shows. The standard error is that of the mean, NaN for a single scenario. Intervals
    are those of `bootstrap.py`, so equal scores give equal ones. A field with a NaN has NaN
    throughout.
    """
    values = scores.to_numpy(np.float64)
    count = len(values)
    error = (
        values.std(axis=0, ddof=1) / np.sqrt(count)
        if count > 1
        else np.full_like(values[0], np.nan)
    )
    low, high = intervals(values)
    return pd.DataFrame(
        {"mean": values.mean(axis=0), "standard_error": error, "low": low, "high": high},
        index=scores.columns,
    )


def typeset(summary: pd.DataFrame) -> str:
    """The summary as a table for a terminal."""
    width = max(map(len, summary.index))
    lines = [f"{'':{width}}      mean  std. error      95 % interval"]
    for name, row in summary.iterrows():
        numbers = [f"{value:.5f}" if np.isfinite(value) else "-" for value in row]
        mean, error, low, high = numbers
        lines.append(f"{name:{width}}  {mean:>8}    {error:>8}   {low:>8} {high:>8}")
    return "\n".join(lines)
