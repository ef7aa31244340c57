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
    """The amount of training."""

    steps: Annotated[int, Field(ge=1)]
    """updates of the weights"""
    batch: Annotated[int, Field(ge=1)]
    """scenes in a step, over all processes and micro-batches"""
    learning_rate: Annotated[float, Field(gt=0)]
    """peak learning rate of AdamW"""
    rollouts: Annotated[int, Field(ge=0)]
    """rollouts of a scene; 0 where learning needs none"""


class Optimiser(Settings):
    """AdamW with a cosine schedule by step."""

    weight_decay: Annotated[float, Field(ge=0)]
    """weight decay of AdamW"""
    clip: Annotated[float, Field(gt=0)]
    """largest norm of the gradient; longer gradients are scaled down"""
    warmup: Share
    """fraction of the steps over which the learning rate rises"""
    final_ratio: Share
    """final learning rate over the peak learning rate"""


Precision = Literal["float32", "bfloat16"]
Trains = Literal["everything", "agents"]


class Recipe(Settings):
    """What to train, from what, on what, how long."""

    stage: str
    """name of the stage"""
    seed: int
    """seed of initial weights, data order, dropout and rollouts"""
    revision: int
    """number that the stage's author raises when code changes a run's numbers"""
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
    """precision of products in training; weights are float32"""
    budget: Budget
    """steps, batch, learning rate, rollouts"""
    optimiser: Optimiser
    """AdamW and its schedule"""
    algorithm: Algorithm
    """how to learn, with all coefficients"""

    @staticmethod
    def read(path: Path) -> "Recipe":
        """Raises InputError, naming the key, where the file is no recipe."""
        return read_as(Recipe, read_json(path), str(path))
