"""What the configuration may say of goals, and what a mistake is told."""

import copy

import pytest

from simagents.config import reading
from simagents.config.configuration import Configuration
from simagents.errors import InputError
from simagents.planning.plan import Plan

from .conftest import ROOT


@pytest.fixture(scope="module")
def whole():
    return reading.content(ROOT, {"scale": "paper"})


@pytest.fixture
def config(whole):
    """The goal table alone."""
    config = copy.deepcopy(whole)
    config["tables"] = {"goal_conditioning": config["tables"]["goal_conditioning"]}
    config["figures"], config["on_demand"] = {}, []
    return config


def plan_of(config):
    return Plan.of(Configuration.of(config))


def recipes(config):
    return {run.stage: run.recipe for run in plan_of(config).runs.values()}


def test_recipes_and_evaluations_without_goals_do_not_speak_of_them(config):
    """So that runs and scores keep the names that they had before there were goals."""
    recipe = recipes(config)["mloo"].model_dump(mode="json")
    assert "goals" not in recipe["model"]
    assert "goals" not in recipe["algorithm"]
    evaluation = plan_of(config).evaluations["wosac_2025"].model_dump(mode="json")
    assert "goals" not in evaluation


def test_a_stage_may_add_goals_to_its_parents_model_and_nothing_else(config):
    """All other keys of the model are the parent's."""
    of = recipes(config)
    changed = of["goal_cat_soft"].model.model_dump(mode="json")
    assert changed.pop("goals") == "concatenation"
    assert changed == of["bc"].model.model_dump(mode="json")
    config["stages"]["goal_cat_soft"]["with"]["model.width"] = 64
    with pytest.raises(InputError, match="a stage with `from` has the `model` of the stage"):
        plan_of(config)


def stage(config, **changes):
    config["stages"]["goal_cat_soft"]["with"] |= changes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: stage(c, **{"model.goals": "indicated"}), "unknown value `indicated`; did you mean `indication`"),
        (lambda c: stage(c, **{"model": {}}), r"algorithm\.goals: the model reads no goals"),
        (lambda c: stage(c, **{"algorithm.goals.criterium": "soft"}),
         "unknown key `criterium`; did you mean `criterion`"),
        (lambda c: stage(c, **{"algorithm.goals.hindsight.clip": [5.0]}), "at least 2 items"),
        (lambda c: stage(c, **{"algorithm.goals.hindsight.clip": [5.0, 0.2]}), "give the lower limit first"),
        (lambda c: stage(c, **{"algorithm.credit": {"rule": "constant", "alpha": 0.7, "divide_by": 1.0}}),
         "`goals` needs a credit rule that compares the rollouts of a scene, and not `constant`"),
        (lambda c: c["evaluations"]["log_goals"].update(goals="logs"), "unknown value `logs`; did you mean `log`"),
        (lambda c: c["tables"]["goal_conditioning"].update(evaluation="wosac_2025"),
         "the column `best_pass_miss` needs an evaluation with `goals`, and `wosac_2025` has none"),
        (lambda c: c["stages"]["goal_ind_soft"]["with"].update({"from": "goal_cat_soft"}),
         r"model\.goals: the stage that it starts from has `concatenation` already"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_sentence(config, change, words):
    change(config)
    with pytest.raises(InputError, match=words):
        plan_of(config)


def test_a_stage_that_starts_from_one_with_goals_has_them_too(config):
    config["stages"]["goal_cat_hard"]["with"]["from"] = "goal_cat_soft"
    assert recipes(config)["goal_cat_hard"].model.goals == "concatenation"
