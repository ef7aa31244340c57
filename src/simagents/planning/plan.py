"""Experiments as data -> runs with names that say what they are made of.

Everything the workflow does follows from here. Reads no data and loads no torch.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from simagents.config.configuration import Configuration
from simagents.config.contradictions import check_recipe
from simagents.config.exhibits import Table
from simagents.config.figures import FigureSettings
from simagents.config.gradients import Gradients
from simagents.errors import InputError, unknown_value
from simagents.planning.chains import Chains
from simagents.planning.checks import check_exhibit
from simagents.planning.exhibits import Exhibit, planned_rows
from simagents.planning.runs import BASELINE, Baseline, Import, Run, System, digest
from simagents.planning.shared_files import SharedFiles


@dataclass(frozen=True)
class Plan(SharedFiles):
    """All runs, tables and figures of a configuration."""

    tables: dict[str, Exhibit] = field(default_factory=dict)
    figures: dict[str, Exhibit] = field(default_factory=dict)

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
            plan._as_it_stands(name)
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

    @cached_property
    def chains(self) -> Chains:
        """What turns stages into runs, or imports, and all that they start from."""
        return Chains(self)

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
        stages = {name: self._as_it_stands(name) for name in self.config.stages}
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
    def imported(self) -> dict[str, Import]:
        """Imported models by the names of their stages."""
        return self.chains.imported

    @property
    def imports(self) -> dict[str, Import]:
        """The same by name."""
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

    def _as_it_stands(self, name: str) -> Run | Import:
        """A stage that no row changes, under the first seed."""
        stage, seed = self.config.stages[name], self.config.seeds[0]
        return self.chains.trained_or_imported(name, stage, seed, f"stages.{name}")

    def _exhibit(self, name: str, settings: Table | FigureSettings, where: str) -> Exhibit:
        seeds = self.seeds_of(settings)
        rows = [
            row
            for number, each in enumerate(getattr(settings, "rows", []))
            for row in planned_rows(each, seeds, self.chains, f"{where}.rows[{number}]")
        ]
        exhibit = Exhibit(name, settings, rows)
        check_exhibit(exhibit, self.evaluations, self.tables, where)
        return exhibit
