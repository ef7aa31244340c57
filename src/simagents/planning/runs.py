"""Systems with names that say what they are made of: training runs, imports, and baselines."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from simagents.config.calibration import Calibration
from simagents.config.imports import ImportedModel
from simagents.config.recipe import Recipe

BASELINE = "baseline"
"""What the names of systems without training begin with, where those of runs have their stage."""


def digest(content: Any) -> str:
    """Ten hex digits that name `content`: equal for equal values, whatever the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def digest_of(recipe: Recipe) -> str:
    """Of all that a run's numbers may depend on."""
    return digest(recipe.model_dump(mode="json"))


@dataclass(frozen=True, eq=False)
class Run:
    """One training run: a complete recipe, and the run it starts from."""

    recipe: Recipe
    parent: "Run | Import | None" = None

    @cached_property
    def id(self) -> str:
        """`stage-digest`: equal requests share a run; a changed parent renames its descendants."""
        return f"{self.recipe.stage}-{digest_of(self.recipe)}"

    @property
    def stage(self) -> str:
        """Name of its stage."""
        return self.recipe.stage

    @property
    def tokens(self) -> str | None:
        """Digest of the vocabularies that it reads and acts by; None where it needs none."""
        return self.recipe.tokens

    @cached_property
    def calibration(self) -> Calibration | None:
        """What has to be measured on the parent before training, where credit starts from its rewards.

        Offsets from the mean are not part of it: a sweep over them measures once.
        """
        algorithm = self.recipe.algorithm
        credit = getattr(algorithm, "credit", None)
        if credit is None or not credit.calibrated:
            return None
        return Calibration(
            held_out=self.recipe.held_out,
            rollouts=self.recipe.budget.rollouts,
            seed=self.recipe.seed,
            reward=algorithm.reward,
            sampling=algorithm.sampling,
            precision=self.recipe.precision,
        )

    @cached_property
    def calibration_id(self) -> str | None:
        """`parent-digest`, or None where nothing is measured."""
        if self.calibration is None:
            return None
        content = self.calibration.model_dump(mode="json")
        return f"{self.recipe.parent}-{digest({'parent': self.recipe.parent, **content})}"


@dataclass(frozen=True, eq=False)
class Import:
    """A stage whose model was trained elsewhere: one system, whatever the seeds."""

    stage: str
    folder: Path
    """where it was imported to; no part of its name"""
    model: ImportedModel
    tokens: str
    """digest of its vocabulary and of the scenes that it tokenises"""

    @property
    def recipe(self) -> Recipe:
        """Only its `model` describes what is there."""
        return self.model.recipe

    @cached_property
    def id(self) -> str:
        """`stage-digest`: what answers, and of which scenes."""
        settings = self.recipe.model.model_dump(mode="json")
        content = {"model": settings, "weights": self.model.weights, "tokens": self.tokens}
        return f"{self.stage}-{digest(content)}"


@dataclass(frozen=True, eq=False)
class Baseline:
    """A system that is scored without training."""

    name: str
    tokens: str | None
    """digest of the vocabularies that it acts by; None where it needs none"""

    @property
    def id(self) -> str:
        """Only what acts by tokens is named after them."""
        return "-".join(filter(None, (BASELINE, self.name, self.tokens)))


System = Run | Import | Baseline
