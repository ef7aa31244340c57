"""Recipes are complete and closed: a typo or a missing number is an error with a name."""

import json

import pytest

from simagents.config.recipe import Recipe
from simagents.errors import InputError

RECIPE = {
    "stage": "bc",
    "algorithm": "bc",
    "seed": 0,
    "revision": 0,
    "parent": None,
    "trains": "everything",
    "model": {"width": 16},
    "tokens": "0123456789",
    "held_out": 1,
    "precision": "float32",
    "budget": {"steps": 8, "batch": 2, "learning_rate": 1e-3, "rollouts": 0},
    "optimiser": {"weight_decay": 0.01, "clip": 0.5, "warmup": 0.0, "final_ratio": 0.05},
    "coefficients": {"label_smoothing": 0.1},
}


def read(tmp_path, **changes):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({**RECIPE, **changes}))
    return Recipe.read(path)


def test_what_is_written_is_what_is_read(tmp_path):
    recipe = read(tmp_path)
    assert recipe.model_dump() == RECIPE
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 1


def test_an_unknown_key_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match="unknown key `algorithmus`; did you mean `algorithm`"):
        read(tmp_path, algorithmus="bc")


@pytest.mark.parametrize("key", RECIPE)
def test_there_are_no_defaults(tmp_path, key):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({k: v for k, v in RECIPE.items() if k != key}))
    with pytest.raises(InputError, match=rf"recipe\.json: `{key}`: field required"):
        Recipe.read(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": {**RECIPE["budget"], "steps": "many"}}, "`budget.steps`: input should be a valid int"),
        ({"precision": "float16"}, "`precision`: input should be 'float32' or 'bfloat16'"),
        ({"trains": "heads"}, "`trains`: input should be 'everything' or 'agents'"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_its_key(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, **changes)


def test_an_unknown_key_of_the_budget_names_the_budgets_own_keys(tmp_path):
    budget = {**RECIPE["budget"], "step": 3}
    with pytest.raises(InputError, match="unknown key `step`; did you mean `steps`"):
        read(tmp_path, budget=budget)
