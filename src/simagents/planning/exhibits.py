"""What is planned: tables and figures, whose rows are systems with names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from simagents.config.contradictions import check_recipe
from simagents.config.exhibits import OF_PLANNERS, READ_TOKENS, Row, Table
from simagents.config.figures import FigureSettings
from simagents.errors import InputError, unknown_value
from simagents.planning.chains import Chains
from simagents.planning.runs import Baseline, Import, Run, System


@dataclass(frozen=True)
class PlannedRow:
    """One line of a table."""

    label: str
    systems: list[System]
    """one per seed; a single one where the row's stage is shared, imported or without seeds"""
    published: str | None
    """name of the row in the published table"""
    shared: str | None = None
    """the last stage on the way to these systems of which all seeds have the same run"""


@dataclass(frozen=True)
class Exhibit:
    """A table or a figure."""

    name: str
    settings: Table | FigureSettings
    rows: list[PlannedRow]

    @property
    def columns(self) -> list[str]:
        """Names of a table's columns; a figure has none."""
        return getattr(self.settings, "columns", [])

    @property
    def reads(self) -> frozenset[str]:
        """What a figure is drawn from; what a table needs follows from its columns."""
        return getattr(self.settings, "reads", frozenset())

    @property
    def evaluation(self) -> str | None:
        """Name of the evaluation by which its systems are scored; None where no scores are shown."""
        return getattr(self.settings, "evaluation", None)

    @property
    def tables(self) -> list[str]:
        """Names of the tables whose numbers a figure draws."""
        return getattr(self.settings, "tables", [])

    @property
    def systems(self) -> list[System]:
        """Of all rows, each once."""
        return list({system.id: system for row in self.rows for system in row.systems}.values())

    @property
    def drives_planners(self) -> bool:
        """Whether it shows what planners are worth among its systems."""
        return self.shows(OF_PLANNERS) or "planners" in self.reads

    def columns_of(self, kind: frozenset[str]) -> list[str]:
        """Its columns of a kind, which is one of the sets of `config.exhibits`."""
        return [name for name in self.columns if name in kind]

    def shows(self, kind: frozenset[str]) -> bool:
        """Whether it has a column of that kind."""
        return bool(self.columns_of(kind))


def planned_rows(row: Row, seeds: list[int], chains: Chains, where: str) -> Iterator[PlannedRow]:
    """The rows that a row of the configuration becomes: one for each choice of its lists' values."""
    stages = chains.config.stages
    if row.baseline is not None:
        tokens = chains.files.default_tokens if row.baseline in READ_TOKENS else None
        yield PlannedRow(row.label, [Baseline(row.baseline, tokens)], row.published)
        return
    if row.stage not in stages:
        raise unknown_value(row.stage, f"{where}.stage", stages)
    values = [value if isinstance(value, list) else [value] for value in row.with_.values()]
    for chosen in product(*values):
        changes = dict(zip(row.with_, chosen, strict=True))
        inner = f"{where}.with" if changes else where
        stage = stages[row.stage].changed(changes, inner)
        runs = [chains.trained_or_imported(row.stage, stage, seed, inner) for seed in seeds]
        for run in runs:
            if isinstance(run, Run):  # by its row, whose changes may be what contradicts
                check_recipe(run.recipe, inner if changes else f"stages.{row.stage}")
        systems: list[System] = list({run.id: run for run in runs}.values())
        label = labelled(row.label, changes, where)
        yield PlannedRow(label, systems, row.published, shared_stage(runs))


def shared_stage(runs: list[Run | Import]) -> str | None:
    """The last stage of which runs that differ in their seeds have one run in common, if any.

    Runs of one row have chains of the same stages. A single run shares nothing.
    """
    level: list[Run | Import | None] = list(runs)
    while len(runs) > 1 and level[0] is not None:
        if len({run.id for run in level}) == 1:
            return level[0].stage
        level = [run.parent for run in level]
    return None


def labelled(label: str, changes: Mapping[str, Any], where: str) -> str:
    """The label with `{name}` replaced by the value of the changed key that ends in `name`.

    Other braces are TeX's. A value that is an offset from something measured shows its sign, and
    nothing where it is zero. Raises InputError where two keys end in a name that the label uses.
    """
    names = [key.rpartition(".")[2] for key in changes]
    for name, value in zip(names, changes.values(), strict=True):
        if f"{{{name}}}" not in label:
            continue
        if names.count(name) > 1:
            raise InputError(f"{where}.label: two keys of `with` end in `{name}`.")
        if isinstance(value, Mapping) and set(value) <= {"parent_mean", "parent_deviations"}:
            ((kind, offset),) = value.items()
            unit = r"\sigma" if kind == "parent_deviations" else ""
            value = f"{offset:+g}{unit}" if offset else ""
        label = label.replace(f"{{{name}}}", str(value))
    return label
