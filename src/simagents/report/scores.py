"""Scores of scenarios, as evaluation writes them: by system, and by seed of a table's row."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64
from pyarrow.lib import ArrowInvalid

from simagents.errors import InputError
from simagents.report.columns import COLUMNS
from simagents.report.rows import Row


def read_scores(paths: list[Path]) -> tuple[str, dict[str, pd.DataFrame]]:
    """The evaluation's digest, and one table per system, indexed by scenario and sorted.

    Raises InputError for a missing file, for scores of different evaluations, and for a scenario
    that was scored twice.
    """
    parts: dict[str, list[pd.DataFrame]] = defaultdict(list)
    evaluations: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; score the system first.")
        if len(path.parts) < 3:
            raise InputError(f"{path}: expected …/{{system}}/{{evaluation}}/{{chunk}}.parquet.")
        evaluations.setdefault(path.parts[-2], path)
        chunk = read_chunk(path, "scenario_id")
        # A chunk in which the metric refused every scenario has no columns at all.
        if len(chunk):
            parts[path.parts[-3]].append(chunk)
    if len(evaluations) > 1:
        first, second, *_ = evaluations.values()
        raise InputError(
            f"{first} and {second} come from different evaluations; rescore one of them."
        )
    systems = {}
    for system, chunks in parts.items():
        scores = pd.concat(chunks).set_index("scenario_id").sort_index()
        if not scores.index.is_unique:
            twice = scores.index[scores.index.duplicated()][0]
            raise InputError(f"{system}: scenario {twice} was scored twice; do the chunks overlap?")
        systems[system] = scores
    return next(iter(evaluations), ""), systems


def read_chunk(path: Path, column: str) -> pd.DataFrame:
    """A table that this project wrote. Raises InputError for another or a damaged one."""
    try:
        chunk = pd.read_parquet(path)
    except (OSError, ArrowInvalid) as problem:
        raise InputError(f"{path}: no table that can be read ({problem}); make it again.") from None
    if len(chunk) and column not in chunk:
        raise InputError(f"{path}: the table has no column `{column}`; make it again.")
    return chunk


def common_scenarios(rows: list[Row], scores: Mapping[str, pd.DataFrame]) -> pd.Index:
    """The scenarios that all systems were scored on.

    Raises InputError where a system has no scores or no row, and where systems cover different scenarios.
    """
    systems = list(dict.fromkeys(system for row in rows for system in row.systems))
    for system in systems:
        if system not in scores:
            raise InputError(
                f"{system}: no scores given; score it, or take its row out of the table."
            )
    for system in scores:
        if system not in systems:
            raise InputError(f"{system}: scores given, but no row of the table names it.")
    first = scores[systems[0]].index
    for system in systems[1:]:
        odd = first.symmetric_difference(scores[system].index)
        if len(odd):
            raise InputError(
                f"{systems[0]} and {system} were scored on different scenarios "
                f"({len(odd)} in one only, such as {odd[0]}); score both on the same shards."
            )
    return first


def by_seed(row: Row, scores: Mapping[str, pd.DataFrame], key: str) -> Float64[np.ndarray, "_ _"]:
    """Scores [seeds, scenarios] of a row in double precision.

    Of a ratio r of sums a and b over scenarios they are r + (a_n - r b_n) / mean b: the mean over
    scenarios is the ratio, and the spread is what its standard error comes from (the linearised
    ratio estimator: Cochran 1977, Sampling Techniques, ch. 6).
    """
    of = COLUMNS[key]
    for system in row.systems:
        for source in filter(None, (of.source, of.over)):
            if source not in scores[system]:
                raise InputError(f"{system}: its scores have no column `{source}`; rescore it.")
    values = _stacked(row, scores, of.source)
    if not of.over:
        return values
    over = _stacked(row, scores, of.over)
    mean = over.mean(axis=1, keepdims=True)
    ratio = values.mean(axis=1, keepdims=True) / mean
    return ratio + (values - ratio * over) / mean


def _stacked(row: Row, scores: Mapping[str, pd.DataFrame], source: str) -> np.ndarray:
    return np.stack([scores[system][source].to_numpy(np.float64) for system in row.systems])
