"""Which cell is meant: a table, a row and a column by the names that people use for them."""

import re
from dataclasses import dataclass

from simagents.errors import InputError, unknown_value
from simagents.planning.exhibits import Exhibit, PlannedRow
from simagents.planning.plan import Plan
from simagents.planning.runs import Baseline
from simagents.report.columns import COLUMNS, Column


@dataclass(frozen=True)
class Place:
    """A cell of the plan, whether or not it has been made."""

    table: Exhibit
    row: PlannedRow
    number: int
    """of the row in its table, from 0"""
    key: str
    """of the column"""

    @staticmethod
    def of(plan: Plan, table: str, row: str, column: str) -> "Place":
        """Raises InputError, naming the nearest, where one of the names means nothing or several."""
        if table not in plan.tables:
            raise unknown_value(table, "TABLE", plan.tables)
        exhibit = plan.tables[table]
        found = _row(exhibit, row)
        return Place(exhibit, found, exhibit.rows.index(found), _column(exhibit, column))

    @property
    def column(self) -> Column:
        """What the column shows."""
        return COLUMNS[self.key]

    @property
    def compared(self) -> PlannedRow | None:
        """The row that the column compares this one with; None where it compares with none."""
        if not self.column.of_difference:
            return None
        return next(row for row in self.table.rows if row.label == self.table.settings.over)


def name_of(row: PlannedRow) -> str:
    """Of the row's stage, or of its baseline."""
    system = row.systems[0]
    return system.name if isinstance(system, Baseline) else system.stage


def plain(label: str) -> str:
    r"""A label as one would type it: `$\alpha_0+1\sigma$` is `alpha_0+1sigma`."""
    return re.sub(r"[$\\{}]", "", label)


def _row(table: Exhibit, text: str) -> PlannedRow:
    for row in table.rows:
        if row.label == text:
            return row
    names = {row.label: _names(row) for row in table.rows}
    meant = [row for row in table.rows if text in names[row.label]]
    if len(meant) > 1:
        each = " or ".join(f"`{row.systems[0].id}` ({plain(row.label)})" for row in meant)
        raise InputError(
            f"ROW: {len(meant)} rows of {table.name} are `{text}`; name one by a run of it, {each}."
        )
    if not meant:
        every = {plain(row.label) for row in table.rows}.union(*names.values())
        raise unknown_value(text, f"ROW of {table.name}", every)
    return meant[0]


def _names(row: PlannedRow) -> set[str]:
    return {name_of(row), plain(row.label), *(system.id for system in row.systems)}


def _column(table: Exhibit, text: str) -> str:
    keys = table.columns
    if text in keys:
        return text
    titled = [key for key in keys if COLUMNS[key].title.casefold() == text.casefold()]
    if len(titled) == 1:
        return titled[0]
    raise unknown_value(text, f"COLUMN of {table.name}", keys)
