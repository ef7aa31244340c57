"""Stages -> runs or imports, each with the chain of those that it starts from."""

from dataclasses import dataclass, field
from pathlib import Path

from simagents.config.changes import completed
from simagents.config.configuration import Configuration
from simagents.config.imports import Imported, read_imported
from simagents.config.models import Model
from simagents.config.recipe import Budget, Optimiser, Recipe
from simagents.config.stages import Stage
from simagents.errors import InputError, unknown_value
from simagents.planning.runs import Import, Run
from simagents.planning.shared_files import SharedFiles


@dataclass(frozen=True)
class Chains:
    """The chains of a configuration's stages."""

    files: SharedFiles
    """that runs depend on, and whose digests are part of recipes"""
    imported: dict[str, Import] = field(default_factory=dict)
    """by the names of their stages, as they are met"""
    _parents: dict[tuple[str, int], Run | Import] = field(
        default_factory=dict, init=False, repr=False
    )
    """stages as the configuration has them, by name and seed: many rows start from the same"""

    @property
    def config(self) -> Configuration:
        """Whose stages these are."""
        return self.files.config

    def trained_or_imported(
        self,
        name: str,
        stage: Stage | Imported,
        seed: int,
        where: str,
        above: tuple[str, ...] = (),
    ) -> Run | Import:
        """The system of a stage, which a row may have changed, under a seed.

        `above` names the stages that start from it. Raises InputError, which begins with `where`,
        where the stage contradicts itself or what it starts from.
        """
        if isinstance(stage, Stage):
            return self._run(name, stage, seed, where, above)
        if name not in self.imported:
            folder = Path(stage.import_).expanduser()
            model = read_imported(folder, f"stages.{name}.import")
            tokens = self.files.given_tokens_id(model.vocabulary)
            self.imported[name] = Import(name, folder, model, tokens)
        return self.imported[name]

    def _run(self, name: str, stage: Stage, seed: int, where: str, above: tuple[str, ...]) -> Run:
        config = self.config
        if name in above:
            raise InputError(f"stages.{name}: starts from itself, by way of {', '.join(above)}.")
        if name in config.shared_stages and stage == config.stages[name]:
            seed = config.seeds[0]  # a row that changes the stage is trained under each
        parent = self._parent(name, stage, seed, where, above)
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
            tokens = self.files.tokens_id(stage.tokenizer or config.tokenizer, where)
            tokens = parent.tokens if parent else tokens
        budget = config.budgets[stage.budget]
        recipe = Recipe(
            stage=name,
            seed=seed,
            revision=stage.revision,
            parent=parent.id if parent else None,
            trains=stage.trains,
            model=model,
            data=self.files.training_id,
            tokens=tokens,
            held_out=self.files.scenarios.held_out,
            precision=config.precision,
            budget=Budget.model_validate(budget.model_dump(exclude={"optimiser"})),
            optimiser=self._optimiser(stage, where),
            validation=config.validation,
            algorithm=stage.algorithm,
        )
        return Run(recipe, parent)

    def _parent(
        self, name: str, stage: Stage, seed: int, where: str, above: tuple[str, ...]
    ) -> Run | Import | None:
        """What the stage starts from, where it is not the first of its chain."""
        stages = self.config.stages
        if stage.from_ is None:
            return None
        if stage.from_ not in stages:
            raise unknown_value(stage.from_, f"{where}.from", stages)
        begun = stage.from_, seed
        if begun not in self._parents:
            beginning, at = stages[stage.from_], f"stages.{stage.from_}"
            self._parents[begun] = self.trained_or_imported(
                stage.from_, beginning, seed, at, (*above, name)
            )
        parent = self._parents[begun]
        for key in ("tokenizer", "model"):
            if getattr(stage, key) and not _adds(parent.recipe.model, stage, key):
                raise InputError(
                    f"{where}: a stage with `from` has the `{key}` of the stage that it starts"
                    " from; give it to the first stage of the chain."
                )
        return parent

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

    def _optimiser(self, stage: Stage, where: str) -> Optimiser:
        """The configuration's, as the budget changes it, and then the stage."""
        of_all = self.config.optimiser.model_dump(mode="json")
        changes = self.config.budgets[stage.budget].optimiser
        of_budget = completed(Optimiser, of_all, changes, f"budgets.{stage.budget}.optimiser")
        return completed(
            Optimiser, of_budget.model_dump(mode="json"), stage.optimiser, f"{where}.optimiser"
        )


def _adds(parent: Model, stage: Stage, key: str) -> bool:
    """Whether a stage with `from` sets only keys of its model that may be added to its parent's."""
    return key == "model" and set(stage.model) <= parent.addable
