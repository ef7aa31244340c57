"""`simagents train` with rewards: the learner's state is resumed, and stays out of the weights."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from simagents.config.recipe import Recipe
from simagents.models.families import build_policy
from simagents.tokens.vocabulary import Vocabulary
from simagents.training.resume.save_folder import last

STEPS = 4
BETA = {"start": 0.04, "target": 1e-4, "patience": 5.0, "least": 1e-3, "most": 1e3}
VALUE = {"start": 0.0, "weight": 0.5, "warmup": 0.5, "learning_rate": 1e-2}
PPO = {
    "name": "policy_gradient",
    "reward": {"kind": "realism", "challenge": 2025, "scored": "rollout"},
    "credit": {"rule": "gae", "discount": 1.0, "gae_lambda": 0.95, "value": VALUE},
    "whiten": True, "surrogate": {"kind": "clipped", "range": 0.2, "passes": 2},
    "log_prob": "mean", "divergence": {"estimator": "k3", "beta": BETA},
    "sampling": {"top_k": 16, "temperature": 1.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, recipe_of) -> Path:
    """PPO with everything that a save must hold: a value head, two passes, an adaptive weight."""
    path = tmp_path_factory.mktemp("recipe") / "recipe.json"
    budget = {"steps": STEPS, "rollouts": 2}
    recipe = recipe_of(algorithm=PPO, trains="agents", parent="bc-0123456789", budget=budget)
    path.write_text(recipe.model_dump_json())
    return path


@pytest.fixture(scope="module")
def parent(disk, recipe, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("parent") / "parent.safetensors"
    policy = build_policy(Recipe.read(recipe), Vocabulary.read(disk.vocabulary))
    save_file(policy.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def train(command, recipe, parent):
    """Trains PPO in a folder, to the end."""

    def run(folder, *extra, processes=1):
        command(folder, recipe, "--parent", str(parent), *extra, processes=processes)
        rows = [json.loads(line) for line in (folder / "history").read_text().splitlines()]
        return load_file(folder / "weights"), [
            {k: v for k, v in row.items() if "seconds" not in k} for row in rows
        ]

    return run


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, *train(folder)


def test_the_value_head_stays_out_of_the_weights(whole, parent):
    _, weights, rows = whole
    assert weights.keys() == load_file(parent).keys()
    assert all(row["value_error"] > 0 for row in rows)


def test_the_policy_does_not_change_while_the_value_head_warms_up(whole):
    """For two of four steps; the third moves between its passes."""
    _, _, rows = whole
    assert [row["kl"] for row in rows[:2]] == pytest.approx([0, 0], abs=1e-7)
    assert rows[2]["kl"] > 1e-6
    assert rows[0]["value"] != rows[1]["value"]


def test_beta_follows_the_divergence(whole):
    """From the third step on: before, the value head learns alone, and there is no divergence."""
    _, _, rows = whole
    beta = [row["beta"] for row in rows]
    assert beta[:3] == [0.04, 0.04, 0.04]
    assert beta[3] > beta[2]


def test_a_resumed_run_is_the_same_run(whole, train, tmp_path):
    """Resumed from the save after two steps: weights, history and β to the bit."""
    folder, weights, rows = whole
    shutil.copytree(folder / "resume", tmp_path / "resume")
    assert last(tmp_path / "resume") == 2
    again, history = train(tmp_path)
    assert history == rows
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_two_processes_and_rollouts_in_parts_learn_the_same(whole, train, tmp_path):
    _, weights, rows = whole
    shared, history = train(tmp_path, "--worlds-at-once", "1", processes=2)
    for name, tensor in weights.items():
        assert torch.allclose(tensor, shared[name], rtol=0, atol=1e-4), name
    for one, other in zip(history, rows, strict=True):
        assert one == pytest.approx(other, rel=0.05, abs=2e-3)
