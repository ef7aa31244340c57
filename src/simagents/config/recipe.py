"""A recipe: all that a run's numbers may depend on, as one JSON file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from simagents.config.algorithms import Algorithm
from simagents.config.keys import Settings, read_as
from simagents.config.models import Model
from simagents.files import read_json

Share = Annotated[float, Field(ge=0, le=1)]


class Budget(Settings):
    """How long and how hard to train."""

    steps: Annotated[int, Field(ge=1)]
    """updates of the weights"""
    batch: Annotated[int, Field(ge=1)]
    """scenes a step, over all processes and micro-batches"""
    learning_rate: Annotated[float, Field(gt=0)]
    """of AdamW at the top of its schedule"""
    rollouts: Annotated[int, Field(ge=0)]
    """rollouts of a scene; 0 where learning needs none"""


class Optimiser(Settings):
    """AdamW with a cosine schedule by step."""

    weight_decay: Annotated[float, Field(ge=0)]
    """of AdamW"""
    clip: Annotated[float, Field(gt=0)]
    """largest norm of the gradient"""
    warmup: Share
    """share of the steps over which the rate rises"""
    final_ratio: Share
    """the rate at the end over the rate at the top"""


Precision = Literal["float32", "bfloat16"]
Trains = Literal["everything", "agents"]


class Recipe(Settings):
    """What to train, from what, on what, how long."""

    stage: str
    """name of the stage"""
    seed: int
    """of initial weights, data order, dropout and rollouts"""
    revision: int
    """raised when code changes a run's numbers"""
    parent: str | None
    """the run whose weights this one starts from"""
    trains: Trains
    """agents: the map encoder and all embeddings stay frozen"""
    model: Model
    """family and sizes"""
    data: str
    """digest of the scenarios"""
    tokens: str | None
    """digest of vocabularies and tokenised scenes; null for a family that reads none"""
    held_out: int
    """training scenes set aside for calibration"""
    precision: Precision
    """of products in training; weights stay float32"""
    budget: Budget
    """steps, batch, learning rate, rollouts"""
    optimiser: Optimiser
    """of the weights"""
    algorithm: Algorithm
    """how to learn, with all coefficients"""

    @staticmethod
    def read(path: Path) -> "Recipe":
        """Raises InputError, naming the key, where the file is no recipe."""
        return read_as(Recipe, read_json(path), str(path))
