"""Scores of many scenarios as a few numbers, and how sure one can be of them."""

import numpy as np
import pandas as pd

from simagents.differences import intervals


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard error and 95 % interval of each field; one row a field.

    `scores`: one row a scenario, only fields as columns. The mean over scenarios is what the
    leaderboard shows. Standard error and interval (Student's t, `differences.intervals`) cover the choice of
    scenarios, and are NaN for a single one. A field with a NaN has NaN throughout.
    """
    values = scores.to_numpy(np.float64)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    of = intervals(values.T[:, None])
    columns = {"mean": of.mean, "standard_error": error, "low": of.low, "high": of.high}
    return pd.DataFrame(columns, index=scores.columns)


def typeset(summary: pd.DataFrame) -> str:
    """The summary as a table for a terminal."""
    width = max(map(len, summary.index))
    lines = [f"{'':{width}}      mean  std. error      95 % interval"]
    for name, row in summary.iterrows():
        numbers = [f"{value:.5f}" if np.isfinite(value) else "-" for value in row]
        mean, error, low, high = numbers
        lines.append(f"{name:{width}}  {mean:>8}    {error:>8}   {low:>8} {high:>8}")
    return "\n".join(lines)
