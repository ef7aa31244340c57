"""Published tables: what a paper prints, and how we know."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from simagents.errors import InputError, unknown_key
from simagents.report.rows import NO_CONTESTANT
from simagents.report.sources import provenance_in_words

_NAMES = ("system", "alpha", "beta", "collision_weight_lambda")
"""What the rows go by; the first that is there counts."""
_PERCENT = 0.01
_QUANTITIES = {
    "realism_meta": "metametric",
    "rmm": "metametric",
    "composite": "metametric",
    "kinematic": "kinematic",
    "interactive": "interactive",
    "map_based": "map",
    "min_ade": "min_ade",
    "collision_likelihood": "collision",
    "collision": "collision",
    "lin_speed": "linear_speed",
    "lin_acc": "linear_acceleration",
    "ang_speed": "angular_speed",
    "ang_acc": "angular_acceleration",
    "dist_to_obj": "nearest_object",
    "ttc": "time_to_collision",
    "dist_to_road_edge": "road_edge",
    "offroad": "offroad",
    "collision_pct": "collision_rate",
    "offroad_pct": "offroad_rate",
    "ade": "ade",
    "ade_m": "ade",
    "min_ade_m": "min_ade",
    "passing_miss_rate_pct": "pass_miss",
    "reach_rate_pct": "reach_rate",
    "pass_rate_pct": "pass_rate",
}
"""Names in the files, and the columns of our tables that they stand for."""
_WITH_LOG = "vs_log"
"""A heading that means, by the file's `note`, one of these."""
_WITH = "vs_"
"""How headings of comparisons with other rows begin: `vs_pretrained_1M` is with Pre-trained 1M."""
LOG = "log"
"""The log among the rows that others are compared with."""
_NOTED = {"Spearman rho": "rank_log", "mean |value error|": "value_error"}
_BESIDE = ("pass_miss", "reach_rate", "pass_rate")
"""Columns beside which published values stand besides those that rows are ordered by."""
_COMPARED = ("metametric", "collision", "reach_rate", "rank_log", "value_error")
"""By what published rows are ordered; the first that is there counts."""
_SECOND_SOURCE = ("realism_meta_blog", "blog")
"""What a public summary prints for the same rows. Never shown as the paper's value."""
_FACTS = ("source_paper", "table", "split", "provenance")
"""Columns that say where a row is printed, and how we know."""
_NO_METRIC = "-"
"""The challenge year of a table without a number of the metric."""
_CHOSEN = "chosen optimum"
"""How the column `status` begins where we know the row that a paper chose, and not the values."""


@dataclass(frozen=True)
class Published:
    """One published table."""

    name: str
    values: dict[str, dict[str, float | None]]
    """by row, then by column of ours; None where the number is not known"""
    compared: str
    """the column by which rows are ordered"""
    chosen: str | None
    """the row that the paper chose, where we do not know all values"""
    challenge: str
    facts: dict[str, dict[str, str]]
    """source_paper, table, split and provenance, by row"""
    second_source: dict[str, float]
    """what another source prints, for the rows that it has"""
    beside: frozenset[str] = frozenset()
    """columns beside which the published values are printed, the compared one among them"""
    pairs: Mapping[frozenset[str], float] = field(default_factory=dict)
    """values of two rows together, or of a row and `log`"""

    def value(self, row: str, column: str | None = None) -> float | None:
        """Of the compared column unless another is named; None where it is not known.

        Raises InputError, naming the nearest row, where the table has none of that name.
        """
        if row not in self.values:
            raise unknown_key(row, f"published table {self.name}", self.values)
        return self.values[row].get(column or self.compared)

    def gap(self, first: str | None, second: str | None) -> float:
        """By how much the paper has one of its rows above another; 0 where it orders nothing.

        None is a row that the paper does not have. Where its values are not known, only the row that
        it chose is above each other one, and above rows of our own, and only the sign counts.
        """
        if not self.has_values:
            return float(first == self.chosen) - float(second == self.chosen)
        if not (first and second):
            return 0.0
        a, b = self.value(first), self.value(second)
        return 0.0 if a is None or b is None else a - b

    @property
    def has_values(self) -> bool:
        """Whether any value was found, and not only which row the paper chose."""
        return any(self.value(row) is not None for row in self.values)

    def source(self, rows: list[str]) -> str:
        """Where these rows are printed, and with the metric of which year."""
        of = {
            name: ", ".join(dict.fromkeys(self.facts[row][name] for row in rows)) for name in _FACTS
        }
        metric = f", metric of WOSAC {self.challenge}" if self.challenge != _NO_METRIC else ""
        table = (
            f"Table {of['table']}"
            if re.match(r"[\dS]", of["table"])
            else f"table of {of['table']}s"
        )
        return f"{of['source_paper']}, {table}, {of['split']}{metric}"

    def provenance(self, rows: list[str]) -> str:
        """How we came by the values of these rows, in words."""
        tags = dict.fromkeys(self.facts[row]["provenance"] for row in rows)
        return ", ".join(map(provenance_in_words, tags))

    def require_challenge(self, year: int) -> None:
        """Metrics of different years do not stand in one table; "2024 or 2025" may be either."""
        if self.challenge == _NO_METRIC:
            return
        if not all(str(year) in part for part in self.challenge.split(", ")):
            raise InputError(
                f"{self.name} was measured with the metric of {self.challenge}, the scores with "
                f"that of {year}; score the table by an evaluation of that year."
            )


def read_published(path: Path) -> Published:
    """Read one file of `paper/published`. Raises InputError where it is not of that form."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    names = next((name for name in _NAMES if name in table), None)
    quantities = _QUANTITIES
    if _WITH_LOG in table:
        quantities = {_WITH_LOG: _NOTED.get(_one(table, "note"), "rank_log")}
    columns = {key: heading for heading, key in quantities.items() if heading in table}
    compared = next((key for key in _COMPARED if key in columns), None)
    if compared is None or names is None:
        headings = ", ".join(name for name, key in _QUANTITIES.items() if key in _COMPARED)
        raise InputError(f"{path}: needs a column `system` and one of {headings}.")
    if table[names].duplicated().any():
        twice = table[names][table[names].duplicated()].iloc[0]
        raise InputError(f"{path}: two rows are called `{twice}`.")
    rows = {row[names]: row for row in table.to_dict("records")}
    other = next((name for name in _SECOND_SOURCE if name in table), None)
    second = {name: _number(row[other]) for name, row in rows.items()} if other else {}
    chosen = [name for name, row in rows.items() if row.get("status", "").startswith(_CHOSEN)]
    return Published(
        name=path.stem,
        values={
            name: {key: _quantity(row, heading) for key, heading in columns.items()}
            for name, row in rows.items()
        },
        compared=compared,
        chosen=chosen[0] if chosen else None,
        # What planners are worth is no number of the metric.
        challenge=_NO_METRIC if compared in _NOTED.values() else _one(table, "wosac_year"),
        facts={
            name: {fact: row.get(fact, "unknown") for fact in _FACTS} for name, row in rows.items()
        },
        second_source={name: number for name, number in second.items() if number is not None},
        beside=frozenset({compared, *_BESIDE} & set(columns)),
        pairs=_pairs(path, rows),
    )


def _pairs(path: Path, rows: Mapping[str, dict[str, str]]) -> dict[frozenset[str], float]:
    """Raises InputError for a heading with a row that there is not, and where both sides of the diagonal have
    different values."""
    names = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in (LOG, *rows)}
    pairs: dict[frozenset[str], float] = {}
    for name, row in rows.items():
        for heading in row:
            value = _number(row[heading]) if heading.startswith(_WITH) else None
            if value is None:
                continue
            other = re.sub(r"[^a-z0-9]", "", heading.removeprefix(_WITH).lower())
            if other not in names:
                raise InputError(f"{path}: `{heading}` is with no row of the table.")
            if pairs.setdefault(frozenset({name, names[other]}), value) != value:
                raise InputError(f"{path}: {name} and {names[other]} have two different values.")
    return pairs


def _quantity(row: dict[str, str], heading: str) -> float | None:
    """In the unit of our score files, which hold shares where files of papers hold percent."""
    number = _number(row[heading])
    if number is None or not heading.endswith("_pct"):
        return number
    return number * _PERCENT


def _number(text: str) -> float | None:
    """None where the file has no number, which includes words such as "Decrease"."""
    try:
        return float(text)
    except ValueError:
        return None


def _one(table: pd.DataFrame, name: str) -> str:
    """The distinct values of a column, which is one value in most files."""
    return ", ".join(dict.fromkeys(table[name])) if name in table else "unknown"


def names_in_pairs(rows: list[dict[str, Any]]) -> list[str | None]:
    """What a published table of pairs calls each of these rows of cells; None where it has no such row."""
    return [LOG if NO_CONTESTANT in row["systems"] else row["published"] for row in rows]
