"""Published tables: what a paper prints, and how we know."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from simagents.errors import InputError, unknown_key

_VALUE = ("realism_meta", "rmm", "composite")
"""Names under which the files carry the meta-metric; the first that is there counts."""
_SECOND_SOURCE = "realism_meta_blog"
"""What a public summary prints for the same rows. Never shown as the paper's value."""


@dataclass(frozen=True)
class Published:
    """The meta-metric by row of one published table."""

    name: str
    values: dict[str, float | None]
    """None where the number is not known"""
    paper: str
    table: str
    challenge: str
    split: str
    provenance: str
    second_source: dict[str, float]
    """rows for which another source prints another value"""

    def value(self, row: str) -> float | None:
        """Raises InputError, naming the nearest row, where the table has none of that name."""
        if row not in self.values:
            raise unknown_key(row, f"published table {self.name}", self.values)
        return self.values[row]

    def require_challenge(self, year: int) -> None:
        """Metrics of different years do not stand in one table; "2024 or 2025" may be either."""
        if not all(str(year) in part for part in self.challenge.split(", ")):
            raise InputError(
                f"{self.name} was measured with the metric of {self.challenge}, the scores with "
                f"that of {year}; set evaluation.challenge to the published year."
            )


def read_published(path: Path) -> Published:
    """Read one file of `paper/published`. Raises InputError where it is not of that form."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    value = next((name for name in _VALUE if name in table), None)
    if value is None or "system" not in table:
        raise InputError(f"{path}: needs a column `system` and one of {', '.join(_VALUE)}.")
    if table["system"].duplicated().any():
        twice = table["system"][table["system"].duplicated()].iloc[0]
        raise InputError(f"{path}: two rows are called `{twice}`.")
    values = {row["system"]: _number(row[value]) for row in table.to_dict("records")}
    second = {}
    if _SECOND_SOURCE in table:
        other = {row["system"]: _number(row[_SECOND_SOURCE]) for row in table.to_dict("records")}
        second = {
            name: number
            for name, number in other.items()
            if number is not None and number != values[name]
        }
    return Published(
        name=path.stem,
        values=values,
        paper=_one(table, "source_paper"),
        table=_one(table, "table"),
        challenge=_one(table, "wosac_year"),
        split=_one(table, "split"),
        provenance=_one(table, "provenance"),
        second_source=second,
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def _one(table: pd.DataFrame, name: str) -> str:
    """The distinct values of a column, which is one value in most files."""
    return ", ".join(dict.fromkeys(table[name])) if name in table else "unknown"
