"""Rows of a table against one another: intervals over seeds and scenarios, and paired t tests."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float64

from simagents.differences import difference, paired_t
from simagents.errors import InputError, unknown_value
from simagents.report.columns import COLUMNS
from simagents.report.rows import ONE_SEED, Row

Json = dict[str, Any]
Scores = Float64[np.ndarray, "_ _"]
"""By seed and scenario; a row that stands for all seeds has one line."""


def all_pairs(rows: list[Row], scores: list[Scores]) -> list[Json]:
    """Every row against every earlier one, on the same scenarios; one array of scores for each row."""
    pairs = [(later, earlier) for earlier, later in combinations(range(len(rows)), 2)]
    return [_pair(rows, scores, row, to) for row, to in pairs]


def _pair(rows: list[Row], scores: list[Scores], row: int, to: int) -> Json:
    pair = [rows[row], rows[to]]
    seeds = [len(of.systems) for of in pair if not stands_for_all_seeds(of)]
    if len(set(seeds)) > 1:
        raise InputError(
            f"{rows[row].label} and {rows[to].label} have {seeds[0]} and {seeds[1]} seeds; rows are"
            " compared seed by seed, so give both the same."
        )
    result = difference(scores[row], scores[to])
    return {
        "row": row,
        "to": to,
        "mean": number(result.mean),
        "low": number(result.low),
        "high": number(result.high),
        "p": number(result.p),
        "covers": f"{seeds_of(pair)} and scenarios"
        if result.covers_seeds
        else _without_seeds(pair),
    }


def stands_for_all_seeds(row: Row) -> bool:
    """Whether a row has one system however many seeds there are."""
    return row.untrained or (len(row.systems) == 1 and row.shared is not None)


def seeds_of(pair: list[Row]) -> str:
    """What an interval covers of the training of two rows with several seeds."""
    shared = ", ".join(sorted({row.shared for row in pair if row.shared}))
    return f"seeds after {shared}" if shared else "seeds"


def _without_seeds(pair: list[Row]) -> str:
    return "scenarios" if all(row.untrained for row in pair) else ONE_SEED


@dataclass(frozen=True, eq=False)
class Against:
    """Every row against one of them."""

    to: int
    """number of that row"""
    rows: list[Row]
    scores: list[Scores]

    @staticmethod
    def of(
        rows: list[Row], label: str | None, scores: list[Scores], columns: list[str]
    ) -> "Against | None":
        """None where no column needs it. Raises InputError for a label that no row has."""
        if not any(COLUMNS[key].of_difference for key in columns):
            return None
        labels = [row.label for row in rows]
        if label not in labels:
            raise unknown_value(str(label), "--over", labels)
        return Against(labels.index(label), rows, scores)

    def value(self, row: Row, name: str) -> float | None:
        """Of the row minus the one that it is compared with; None in that row itself.

        `mean`, `low` and `high` are those of `differences.py`; so is `p`, but None where the interval
        says nothing of training. `t` and `p_scenarios` are of the paired t test over scenarios, of
        scores averaged over seeds, which takes the trained policies as given.
        """
        place = self.rows.index(row)
        if place == self.to:
            return None
        if name in ("t", "p_scenarios"):
            means = [self.scores[each].mean(axis=0) for each in (place, self.to)]
            t, p = paired_t(*means)
            return number(t if name == "t" else p)
        pair = _pair(self.rows, self.scores, place, self.to)
        return None if name == "p" and pair["covers"] == ONE_SEED else pair[name]


def number(value: float) -> float | None:
    """JSON has no NaN. Ten digits: the sums behind them may differ in the last bits by machine."""
    return None if np.isnan(value) else float(f"{value:.10g}")
