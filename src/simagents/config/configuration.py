"""A configuration: everything that a result depends on besides the code."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from simagents.config.changes import ChangesOf, Json
from simagents.config.compute import Compute
from simagents.config.data import Scenarios, Seed
from simagents.config.evaluation import Evaluation, EvaluationDefaults
from simagents.config.exhibits import Table
from simagents.config.figures import Figure
from simagents.config.keys import Settings, read_as
from simagents.config.models import Model
from simagents.config.recipe import Budget, Optimiser, Precision
from simagents.config.stages import Stage, without_copies
from simagents.config.tokenizers import Tokenizer, Tokens

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _distinct(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is given twice")
    return seeds


class Configuration(Settings):
    """What all files together say."""

    scale: str
    """which file of config/scale is read"""
    data: Literal["default", "synthetic", "womd"]
    """where scenarios come from; `default` is the scale's own source"""
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_distinct)]
    """every row is trained once per seed; tables show mean and deviation"""
    precision: Precision
    """of products in training; weights stay float32"""
    scenarios: Scenarios
    """where scenarios come from and how many shards of them are used"""
    tokens: Tokens
    """what all vocabularies have in common"""
    tokenizer: str
    """one of `tokenizers`: of stages that name none, and of baselines"""
    tokenizers: dict[Name, Tokenizer]
    """rules for motion vocabularies by name, chosen by the stages"""
    size: str
    """which file of config/model is read"""
    model: str
    """one of `models`: of stages that name none"""
    models: dict[Name, Model]
    """models by name, chosen by the stages"""
    budgets: dict[Name, Budget]
    """named amounts of training, chosen by the stages"""
    optimiser: Optimiser
    """AdamW with a cosine schedule by step"""
    evaluation: EvaluationDefaults
    """what all evaluations have in common"""
    evaluations: dict[Name, Annotated[dict[str, Any], ChangesOf(Evaluation)]]
    """ways to score systems, chosen by tables and figures: `challenge`, and the keys that differ from
    `evaluation`"""
    compute: Compute
    """what changes how fast results appear, never what they are; no part of any run's name"""
    on_demand: list[str]
    """tables and figures that this scale does not build by default; request them by name"""
    stages: dict[Name, Stage]
    """training recipes by name"""
    tables: dict[Name, Table]
    """tables of the papers by name"""
    figures: dict[Name, Figure]
    """figures of the papers by name"""

    @staticmethod
    def of(content: Json) -> "Configuration":
        """From what the files say. Raises InputError, naming the key and the nearest valid one."""
        stages = content.get("stages")
        if isinstance(stages, Mapping):
            content = {**content, "stages": without_copies(dict(stages))}
        return read_as(Configuration, content, "")
