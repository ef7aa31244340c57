"""A configuration: everything that a result depends on besides the code."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from simagents.config.changes import ChangesOf, Json
from simagents.config.compute import Compute
from simagents.config.data import Scenarios, Seeds
from simagents.config.evaluation import Evaluation, EvaluationDefaults
from simagents.config.exhibits import Table
from simagents.config.figures import Figure
from simagents.config.gradients import Gradients
from simagents.config.keys import Settings, read_as
from simagents.config.models import Model
from simagents.config.planners import PlannerTrials
from simagents.config.recipe import Optimiser, PlannedBudget, Precision, Validation
from simagents.config.stages import AnyStage, without_copies
from simagents.config.tokenizers import Tokenizer, Tokens

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Configuration(Settings):
    """The content of all files together."""

    scale: str
    """the file of config/scale that is read"""
    data: Literal["default", "synthetic", "womd"]
    """source of the scenarios; `default` is the source of the scale"""
    seeds: Seeds
    """training seeds; every row is trained once with each, and tables show mean and deviation"""
    shared_stages: list[str]
    """stages that are trained once, with the first seed, and from which the stages after them start under
    every seed. It saves most where training is longest; intervals and verdicts then do not cover the training
    of these stages. A row that changes such a stage by `with` is trained with every seed"""
    precision: Precision
    """precision of products in training; weights are float32"""
    scenarios: Scenarios
    """sources of scenarios, and how many shards of them are used"""
    tokens: Tokens
    """settings that all vocabularies share"""
    tokenizer: str
    """one of `tokenizers`: the default of stages, and the tokenizer of baselines"""
    tokenizers: dict[Name, Tokenizer]
    """rules for motion vocabularies by name; stages choose among them"""
    size: str
    """the file of config/model that is read"""
    model: str
    """one of `models`: the default of stages"""
    models: dict[Name, Model]
    """models by name; stages choose among them"""
    budgets: dict[Name, PlannedBudget]
    """amounts of training by name; stages choose among them"""
    optimiser: Optimiser
    """AdamW and the schedule of its learning rate"""
    validation: Validation
    """what is measured while a run trains"""
    evaluation: EvaluationDefaults
    """settings that all evaluations share"""
    evaluations: dict[Name, Annotated[dict[str, Any], ChangesOf(Evaluation)]]
    """ways to score systems by name; tables and figures choose among them. Each has `challenge`, and the
    keys that differ from `evaluation`"""
    gradients: Gradients
    """rollouts from which the noise of every credit rule's gradient is measured"""
    planners: PlannerTrials
    """drives of planners, whose values and ranking columns and figures of planners show"""
    compute: Compute
    """resources of jobs; they change the speed, never the results, and are no part of a run's name"""
    on_demand: list[str]
    """tables and figures that this scale does not build by default; request them by name"""
    stages: dict[Name, AnyStage]
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
