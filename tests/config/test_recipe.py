"""Recipes are complete and closed: a typo or a missing number is an error with a name."""

import json

import pytest

from simagents.config.recipe import Recipe
from simagents.errors import InputError

SMART = {
    "family": "smart", "width": 16, "heads": 2, "head_width": 8, "bands": 4, "frequency_deviation": 0.02,
    "map_layers": 1, "agent_layers": 1, "dropout": 0.0, "history_drop": 0.0, "map_radius": 10.0, "map_neighbours": 4,
    "map_to_agent_radius": 15.0, "agent_radius": 30.0, "past_steps": 6, "late_motion": "none", "relation_rows": 0,
    "head": "shared",
}  # fmt: skip
OPTIMISER = {
    "betas": [0.9, 0.999], "weight_decay": 0.01, "clip": 0.5, "warmup": 0.0,
    "schedule": "cosine", "final_ratio": 0.05,
}  # fmt: skip
RECIPE = {
    "stage": "bc",
    "seed": 0,
    "revision": 0,
    "parent": None,
    "trains": "everything",
    "model": SMART,
    "data": "fedcba9876",
    "tokens": "0123456789",
    "held_out": 1,
    "precision": "float32",
    "budget": {"steps": 8, "batch": 2, "learning_rate": 1e-3, "rollouts": 0, "validations": 0},
    "optimiser": OPTIMISER,
    "validation": {"scenes": 1, "rollouts": 1, "sampling": {"top_k": 0, "temperature": 1.0}},
    "algorithm": {"name": "bc", "label_smoothing": 0.1, "smoothing": "uniform"},
}


def read(tmp_path, **changes):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({**RECIPE, **changes}))
    return Recipe.read(path)


def test_what_is_written_is_what_is_read(tmp_path):
    recipe = read(tmp_path)
    assert recipe.model_dump(mode="json") == RECIPE
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 1


def test_an_unknown_key_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match="unknown key `algorithmus`; did you mean `algorithm`"):
        read(tmp_path, algorithmus="bc")


@pytest.mark.parametrize("key", RECIPE)
def test_there_are_no_defaults(tmp_path, key):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({k: v for k, v in RECIPE.items() if k != key}))
    with pytest.raises(InputError, match=rf"recipe\.json\.{key}: the key is missing"):
        Recipe.read(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": {**RECIPE["budget"], "steps": "many"}}, r"budget\.steps: 'many' must be a valid int"),
        ({"precision": "float16"}, "precision: unknown value `float16`; did you mean `bfloat16`"),
        ({"trains": "heads"}, "trains: unknown value `heads`; valid values are agents, everything"),
        ({"model": {**SMART, "width": 4}}, r"model\.width: 4 must be greater than or equal to 8"),
        ({"algorithm": {"name": "bc"}}, r"algorithm\.label_smoothing: the key is missing"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_its_key(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, **changes)


def test_an_unknown_key_of_the_budget_names_the_budgets_own_keys(tmp_path):
    budget = {**RECIPE["budget"], "step": 3}
    with pytest.raises(InputError, match="unknown key `step`; did you mean `steps`"):
        read(tmp_path, budget=budget)
