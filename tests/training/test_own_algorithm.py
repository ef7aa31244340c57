"""A way of learning of one's own: a module with settings and `build`, found by its name."""

import sys

import pytest

from simagents import extensions
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.registry import build_learner

MODULE = """
from typing import Literal

from simagents.algorithms.weights import token_mean, weighted
from simagents.config.algorithms import AlgorithmSettings
from simagents.training.learners.learner import Learner


class Settings(AlgorithmSettings):
    name: Literal["halved"]
    share: float


def build(recipe, policy, model, reference):
    return Halved(policy, model, recipe.algorithm)


class Halved(Learner):
    def __init__(self, policy, model, settings):
        self.policy, self.model, self.settings = policy, model, settings

    def counts(self, batch):
        return int(self.model.logged_paths(batch.scenes).valid[:, 2:].sum())

    def loss(self, batch, total):
        paths = self.model.logged_paths(batch.scenes)
        log_prob = self.policy(batch.scenes, paths).log_prob(paths.chosen)
        weight = token_mean(paths.valid[:, 2:], total)
        return weighted(weight, -self.settings.share * log_prob), {}
"""


def test_a_module_named_like_the_algorithm_trains(tmp_path, monkeypatch, disk, recipe_of, policy):
    (tmp_path / "halved.py").write_text(MODULE)
    monkeypatch.setattr(extensions, "__path__", [str(tmp_path)])
    losses = []
    for share in (1.0, 0.5):
        recipe = recipe_of(algorithm={"name": "halved", "share": share})
        learner = build_learner(recipe, policy, policy, None)
        batch = TrainingScenes(disk.scenarios, disk.tokens, recipe)[[0]]
        loss, _ = learner.loss(batch, float(learner.counts(batch)))
        losses.append(loss)
    losses[1].backward()
    assert losses[1].item() == pytest.approx(losses[0].item() / 2)
    assert policy.head[-1].weight.grad.abs().max() > 0
    sys.modules.pop("simagents.extensions.halved")
