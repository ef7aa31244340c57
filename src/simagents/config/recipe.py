"""A recipe: all that a run's numbers may depend on, as one JSON file."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from simagents.config.algorithms import Algorithm, Sampling
from simagents.config.changes import ChangesOf
from simagents.config.keys import Settings, read_as
from simagents.config.models import Model
from simagents.files import read_json

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


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
    validations: Annotated[int, Field(ge=0)]
    """how often the policy's health is measured, evenly over the steps and at their end; 0 for never"""


class Optimiser(Settings):
    """AdamW and the schedule of its learning rate."""

    betas: Annotated[list[Decay], Field(min_length=2, max_length=2)]
    """decay rates of AdamW's averages of the gradient and of its square"""
    weight_decay: Annotated[float, Field(ge=0)]
    """weight decay of AdamW"""
    clip: Annotated[float, Field(gt=0)]
    """largest norm of the gradient; longer gradients are scaled down"""
    warmup: Share
    """fraction of the steps over which the learning rate rises to its peak"""
    schedule: Literal["cosine", "linear", "constant"]
    """how the learning rate falls after the warm-up; a constant one stays at its peak"""
    final_ratio: Share
    """final learning rate over the peak learning rate"""


class PlannedBudget(Budget):
    """The amount of training, and how the optimiser spends it."""

    optimiser: Annotated[dict[str, Any], ChangesOf(Optimiser)] = Field(default_factory=dict)
    """keys that differ from the top-level `optimiser`; a stage's own keys come last"""


class Validation(Settings):
    """How the health of a policy is measured while it trains."""

    scenes: Annotated[int, Field(ge=1)]
    """held-out training scenes, the first ones"""
    rollouts: Annotated[int, Field(ge=1)]
    """rollouts of each scene, from which the metres driven are taken"""
    sampling: Sampling
    """how their actions are drawn"""


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
    validation: Validation
    """what is measured while the run trains; changes no weight"""
    algorithm: Algorithm
    """how to learn, with all coefficients"""

    @staticmethod
    def read(path: Path) -> "Recipe":
        """Raises InputError, naming the key, where the file is no recipe."""
        return read_as(Recipe, read_json(path), str(path))
