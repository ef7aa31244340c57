"""Experiments as data -> runs with names that say what they are made of.

Everything the workflow does follows from here. Reads no data and loads no torch.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from simagents.config.changes import completed
from simagents.config.configuration import Configuration
from simagents.config.contradictions import check_recipe
from simagents.config.exhibits import (
    MOST_PAIRED,
    OF_GOALS,
    OF_PAIRS,
    OF_PLANNERS,
    OF_TOKENS,
    READ_TOKENS,
    Table,
)
from simagents.config.exhibits import Row as RowSettings
from simagents.config.figures import FigureSettings
from simagents.config.gradients import Gradients
from simagents.config.imports import Imported, read_imported
from simagents.config.models import Model
from simagents.config.recipe import Budget, Optimiser, Recipe
from simagents.config.stages import Stage
from simagents.errors import InputError, unknown_value
from simagents.runs import BASELINE, Baseline, Import, Run, System, digest
from simagents.shared_files import SharedFiles

LOG = Baseline("log", None).id
"""The system that planners' values are compared with."""


@dataclass(frozen=True)
class Row:
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
    rows: list[Row]

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


@dataclass(frozen=True)
class Plan(SharedFiles):
    """All runs, tables and figures of a configuration."""

    tables: dict[str, Exhibit] = field(default_factory=dict)
    figures: dict[str, Exhibit] = field(default_factory=dict)
    imported: dict[str, Import] = field(default_factory=dict)
    """by the names of their stages"""
    _parents: dict[tuple[str, int], Run | Import] = field(
        default_factory=dict, init=False, repr=False
    )
    """stages as the configuration has them, by name and seed: many rows start from the same"""

    @staticmethod
    def of(config: Configuration) -> "Plan":
        """Expand a configuration. Raises InputError where it contradicts itself."""
        plan = Plan(config)
        if BASELINE in config.stages:
            raise InputError(
                f"stages.{BASELINE}: systems without training are named so; choose another name."
            )
        for name in config.shared_stages:
            if name not in config.stages:
                raise unknown_value(name, "shared_stages", config.stages)
        for name in config.stages:  # those that no row uses are checked too
            plan._trained_or_imported(name, config.stages[name], config.seeds[0], f"stages.{name}")
        for name, table in config.tables.items():
            plan.tables[name] = plan._exhibit(name, table, f"tables.{name}")
        for name, figure in config.figures.items():
            plan.figures[name] = plan._exhibit(name, figure, f"figures.{name}")
        # Only of stages in use: a budget that several share may be too small for one that nobody builds.
        for run in plan.runs.values():
            check_recipe(run.recipe, f"stages.{run.stage}")
        for name in config.on_demand:
            if name not in plan.exhibits:
                raise unknown_value(name, "on_demand", plan.exhibits)
        for name in plan.by_default(plan.figures):
            for table in plan.figures[name].tables:
                if table in config.on_demand:
                    raise InputError(
                        f"on_demand: the figure `{name}` draws the table `{table}`, which is on demand; put"
                        " the figure there, too."
                    )
        return plan

    @property
    def exhibits(self) -> dict[str, Exhibit]:
        """Tables and figures by name."""
        return {**self.tables, **self.figures}

    def by_default(self, exhibits: Mapping[str, Exhibit]) -> list[str]:
        """Names of those that this scale builds without being given their names."""
        return [name for name in exhibits if name not in self.config.on_demand]

    def check_targets(self, words: Iterable[str]) -> None:
        """Raise InputError where a word is the path of a table, figure or animation that there is not."""
        for word in words:
            path = re.fullmatch(
                r"results/([^/]+)/(tables|figures|animations)/([^/.]+)(?:/[^/.]+)?\.\w+", word
            )
            if path is None:
                continue
            folder, kind, name = path.groups()
            if f"results/{folder}" != self.results:
                raise InputError(
                    f"{word}: this configuration writes to {self.results}; choose another by"
                    " --config scale=… data=…."
                )
            there = {"tables": self.tables, "figures": self.figures, "animations": self.by_stage}
            if name not in there[kind]:
                raise unknown_value(name, f"results/{folder}/{kind}", there[kind])

    @cached_property
    def by_stage(self) -> dict[str, System]:
        """Systems by the names of their stages as these stand, under the first seed, and baselines.

        Only those that an exhibit needs.
        """
        stages = {
            name: self._trained_or_imported(name, stage, self.config.seeds[0], f"stages.{name}")
            for name, stage in self.config.stages.items()
        }
        named = {name: system for name, system in stages.items() if system.id in self.systems}
        baselines = [each for each in self.systems.values() if isinstance(each, Baseline)]
        return named | {baseline.name: baseline for baseline in baselines}

    @cached_property
    def systems(self) -> dict[str, System]:
        """Whatever is scored or trained, by name."""
        exhibits = self.exhibits.values()
        return self.runs | {system.id: system for each in exhibits for system in each.systems}

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Every run that an exhibit needs, parents included, by name."""
        runs: dict[str, Run] = {}
        for exhibit in self.exhibits.values():
            for system in exhibit.systems:
                while isinstance(system, Run):
                    runs[system.id] = system
                    system = system.parent
        return runs

    @cached_property
    def gradients(self) -> Gradients:
        """How the noise of gradients is measured, on no more scenes than are held out."""
        settings = self.config.gradients
        scenes = min(settings.scenes, self.scenarios.held_out)
        return settings.model_copy(update={"scenes": scenes})

    @cached_property
    def gradients_id(self) -> str:
        """Names these measurements beside the name of the system."""
        return digest({"data": self.training_id, **self.gradients.model_dump(mode="json")})

    @cached_property
    def planners_id(self) -> str:
        """Names the drives of planners beside the name of the system."""
        shards = self.scenarios.validation_shards
        settings = self.config.planners.model_dump(mode="json")
        return digest({"data": self.data, "shards": shards, **settings})

    @property
    def imports(self) -> dict[str, Import]:
        """Imported models by name."""
        return {imported.id: imported for imported in self.imported.values()}

    @property
    def given_tokens(self) -> dict[str, Import]:
        """For each vocabulary that is given, one of the imports that bring it, by its digest."""
        return {imported.tokens: imported for imported in self.imported.values()}

    @cached_property
    def calibrations(self) -> dict[str, Run]:
        """For each measurement that runs wait for, one of these runs, by the measurement's name."""
        return {run.calibration_id: run for run in self.runs.values() if run.calibration_id}

    def seeds_of(self, settings: Table | FigureSettings) -> list[int]:
        """Training seeds of a table's or figure's rows."""
        return getattr(settings, "seeds", None) or self.config.seeds

    def _exhibit(self, name: str, settings: Table | FigureSettings, where: str) -> Exhibit:
        rows = [
            row
            for number, each in enumerate(getattr(settings, "rows", []))
            for row in self._rows(each, self.seeds_of(settings), f"{where}.rows[{number}]")
        ]
        exhibit = Exhibit(name, settings, rows)
        evaluation, labels = exhibit.evaluation, [row.label for row in rows]
        if evaluation is not None and evaluation not in self.evaluations:
            raise unknown_value(evaluation, f"{where}.evaluation", self.evaluations)
        of_goals = sorted(exhibit.columns_of(OF_GOALS))
        if of_goals and self.evaluations[evaluation].goals == "none":
            raise InputError(
                f"{where}: the column `{of_goals[0]}` needs an evaluation with `goals`, and"
                f" `{evaluation}` has none."
            )
        of_scores = sorted({"scores", "pictures", "incidents"} & exhibit.reads)
        if of_scores and evaluation is None:
            raise InputError(
                f"{where}: figures of kind {settings.kind} read {of_scores[0]}, so its class"
                " `Settings` needs a key `evaluation`; add it there and here."
            )
        if exhibit.drives_planners and LOG not in [row.systems[0].id for row in rows]:
            raise InputError(
                f"{where}: planners are compared with the log; add a row with `baseline: log`."
            )
        of_pairs = sorted(exhibit.columns_of(OF_PAIRS))
        if of_pairs and len(rows) > MOST_PAIRED:
            raise InputError(
                f"{where}: the column `{of_pairs[0]}` compares all pairs of at most {MOST_PAIRED} rows, and"
                f" there are {len(rows)}; take some out."
            )
        if len(set(labels)) < len(rows):
            raise InputError(f"{where}: two rows have the same label.")
        if (
            isinstance(settings, Table)
            and settings.over is not None
            and settings.over not in labels
        ):
            raise unknown_value(settings.over, f"{where}.over", labels)
        for table in exhibit.tables:
            if table not in self.tables:
                raise unknown_value(table, f"{where}.tables", self.tables)
        of_tokens = exhibit.columns_of(OF_TOKENS)
        for row in rows:
            if of_tokens and row.systems[0].tokens is None:
                raise InputError(
                    f"{where}: row `{row.label}` has no vocabulary; remove it or the columns"
                    f" {', '.join(of_tokens)}."
                )
        return exhibit

    def _rows(self, row: RowSettings, seeds: list[int], where: str) -> Iterator[Row]:
        if row.baseline is not None:
            tokens = self.default_tokens if row.baseline in READ_TOKENS else None
            yield Row(row.label, [Baseline(row.baseline, tokens)], row.published)
            return
        if row.stage not in self.config.stages:
            raise unknown_value(row.stage, f"{where}.stage", self.config.stages)
        values = [value if isinstance(value, list) else [value] for value in row.with_.values()]
        for chosen in product(*values):
            changes = dict(zip(row.with_, chosen, strict=True))
            inner = f"{where}.with" if changes else where
            stage = self.config.stages[row.stage].changed(changes, inner)
            runs = [self._trained_or_imported(row.stage, stage, seed, inner) for seed in seeds]
            for run in runs:
                if isinstance(run, Run):  # by its row, whose changes may be what contradicts
                    check_recipe(run.recipe, inner if changes else f"stages.{row.stage}")
            systems: list[System] = list({run.id: run for run in runs}.values())
            label = labelled(row.label, changes, where)
            yield Row(label, systems, row.published, shared_stage(runs))

    def _trained_or_imported(
        self,
        name: str,
        stage: Stage | Imported,
        seed: int,
        where: str,
        above: tuple[str, ...] = (),
    ) -> Run | Import:
        if isinstance(stage, Stage):
            return self._run(name, stage, seed, where, above)
        if name not in self.imported:
            folder = Path(stage.import_).expanduser()
            model = read_imported(folder, f"stages.{name}.import")
            tokens = self.given_tokens_id(model.vocabulary)
            self.imported[name] = Import(name, folder, model, tokens)
        return self.imported[name]

    def _run(self, name: str, stage: Stage, seed: int, where: str, above: tuple[str, ...]) -> Run:
        config, parent = self.config, None
        if name in above:
            raise InputError(f"stages.{name}: starts from itself, by way of {', '.join(above)}.")
        if name in config.shared_stages and stage == config.stages[name]:
            seed = config.seeds[0]  # a row that changes the stage is trained under each
        if stage.from_ is not None:
            if stage.from_ not in config.stages:
                raise unknown_value(stage.from_, f"{where}.from", config.stages)
            begun = stage.from_, seed
            if begun not in self._parents:
                beginning, at = config.stages[stage.from_], f"stages.{stage.from_}"
                self._parents[begun] = self._trained_or_imported(
                    stage.from_, beginning, seed, at, (*above, name)
                )
            parent = self._parents[begun]
            for key in ("tokenizer", "model"):
                if getattr(stage, key) and not _adds(parent.recipe.model, stage, key):
                    raise InputError(
                        f"{where}: a stage with `from` has the `{key}` of the stage that it starts"
                        " from; give it to the first stage of the chain."
                    )
        if stage.budget not in config.budgets:
            raise unknown_value(stage.budget, f"{where}.budget", config.budgets)
        model = self._inherited(parent, stage, where) if parent else self._model(stage, where)
        if stage.algorithm.given_goals and not model.reads_goals:
            raise InputError(
                f"{where}.algorithm.goals: the model reads no goals; choose how it does by"
                " `model.goals`."
            )
        tokens = None
        if model.reads_tokens:
            tokens = self.tokens_id(stage.tokenizer or config.tokenizer, where)
            tokens = parent.tokens if parent else tokens
        budget = config.budgets[stage.budget]
        optimiser = completed(
            Optimiser,
            config.optimiser.model_dump(mode="json"),
            budget.optimiser,
            f"budgets.{stage.budget}.optimiser",
        ).model_dump(mode="json")
        recipe = Recipe(
            stage=name,
            seed=seed,
            revision=stage.revision,
            parent=parent.id if parent else None,
            trains=stage.trains,
            model=model,
            data=self.training_id,
            tokens=tokens,
            held_out=self.scenarios.held_out,
            precision=config.precision,
            budget=Budget.model_validate(budget.model_dump(exclude={"optimiser"})),
            optimiser=completed(Optimiser, optimiser, stage.optimiser, f"{where}.optimiser"),
            validation=config.validation,
            algorithm=stage.algorithm,
        )
        return Run(recipe, parent)

    def _inherited(self, parent: Run | Import, stage: Stage, where: str) -> Model:
        """The parent's model, with what the stage adds to it."""
        model = parent.recipe.model
        for key, value in stage.model.items():
            there = getattr(model, key)
            if there not in (value, type(model).model_fields[key].default):
                raise InputError(
                    f"{where}.model.{key}: the stage that it starts from has `{there}` already;"
                    " leave the key out or start from another stage."
                )
        if not stage.model:
            return model
        return completed(Model, model.model_dump(mode="json"), stage.model, f"{where}.model")

    def _model(self, stage: Stage, where: str) -> Model:
        changes = dict(stage.model)
        name = changes.pop("base", self.config.model)
        if name not in self.config.models:
            raise unknown_value(str(name), f"{where}.model.base", self.config.models)
        base = self.config.models[name].model_dump(mode="json")
        return completed(Model, base, changes, f"{where}.model")


def _adds(parent: Model, stage: Stage, key: str) -> bool:
    """Whether a stage with `from` sets only keys of its model that may be added to its parent's."""
    return key == "model" and set(stage.model) <= parent.addable


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
