"""A recipe: all that a run's numbers may depend on, as one JSON file."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from simagents.errors import InputError, unknown_key
from simagents.files import read_json


class _Closed(BaseModel):
    """No unknown keys, no defaults: a number that no file names changes no run."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Budget(_Closed):
    """How long and how hard to train."""

    steps: int
    batch: int
    """scenes a step, over all processes and micro-batches"""
    learning_rate: float
    rollouts: int
    """simulated worlds a scene; 0 where learning needs none"""


class Optimiser(_Closed):
    """AdamW with a cosine schedule per step."""

    weight_decay: float
    clip: float
    """largest norm of the gradient"""
    warmup: float
    """share of the steps over which the rate rises"""
    final_ratio: float
    """the rate at the end over the rate at the top"""


class Recipe(_Closed):
    """What to train, from what, on what, how long."""

    stage: str
    algorithm: str
    seed: int
    revision: int
    """raised when code changes a run's numbers"""
    parent: str | None
    """the run whose weights this one starts from"""
    trains: Literal["everything", "agents"]
    """agents: the map encoder and all embeddings stay frozen"""
    model: dict[str, Any]
    tokens: str
    """digest of data and vocabularies"""
    held_out: int
    """training scenes set aside for calibration"""
    precision: Literal["float32", "bfloat16"]
    budget: Budget
    optimiser: Optimiser
    coefficients: dict[str, Any]
    """the algorithm's own numbers; their names are checked by the algorithm"""

    @staticmethod
    def read(path: Path) -> "Recipe":
        """Raises InputError, naming the key, where the file is no recipe."""
        content = read_json(path)
        try:
            return Recipe.model_validate(content)
        except ValidationError as problem:
            first = problem.errors()[0]
            if first["type"] == "extra_forbidden":
                part = Recipe
                for name in first["loc"][:-1]:
                    part = part.model_fields[name].annotation
                raise unknown_key(first["loc"][-1], str(path), part.model_fields) from None
            key = ".".join(map(str, first["loc"]))
            raise InputError(f"{path}: `{key}`: {first['msg'].lower()}.") from None
