"""Chains that stray from the log, and what is learned from them."""

import pytest
import torch

from simagents.models.smart.token_policy import logged_paths
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.registry import build_learner


@pytest.fixture
def setting(disk, recipe_of, policy):
    def make(noise="nearest_k", top_k=5, temperature=1.0, seed=0):
        settings = dict(label_smoothing=0.1, noise=noise, top_k=top_k, temperature=temperature)
        recipe = recipe_of(algorithm={"name": "noisy_bc", **settings}, seed=seed)
        learner = build_learner(recipe, policy, policy, None)
        return learner, TrainingScenes(disk.scenarios, disk.tokens, recipe_of())

    return make


@pytest.mark.parametrize("noise", ["nearest_k", "perturbed"])
def test_without_a_choice_it_is_behaviour_cloning(setting, recipe_of, policy, noise):
    """The nearest of one: the log's own chain, whose next tokens lead to the log."""
    learner, scenes = setting(noise, top_k=1)
    cloning = build_learner(recipe_of(), policy, policy, None)
    batch = scenes[[0, 1]]
    total = float(learner.counts(batch))
    assert total == cloning.counts(batch)
    of_learner, of_cloning = (who.loss(batch, total)[0].item() for who in (learner, cloning))
    assert of_learner == pytest.approx(of_cloning, abs=1e-5)


def test_paths_stray_and_come_back(setting):
    """Every token is one of the five nearest; the path stays within a few of their spacings."""
    learner, scenes = setting()
    batch = scenes[[0, 1]]
    logged, strayed = logged_paths(batch.scenes), learner._strayed(batch)
    changed = (logged.action != strayed.action)[logged.valid].float().mean()
    assert 0.5 < changed < 1
    away = (strayed.pose - batch.scenes.representation.logged[:, 1:])[logged.valid][:, :2].norm(
        dim=-1
    )
    assert away.median() < 1.5
    assert torch.equal(strayed.valid, logged.valid)


def test_targets_lead_back_or_along(setting):
    """Seen from the strayed path, the log's next token; or what the path itself does next."""
    losses = []
    for noise in ("nearest_k", "perturbed"):
        learner, scenes = setting(noise)
        batch = scenes[[0]]
        losses.append(learner.loss(batch, float(learner.counts(batch)))[0].item())
    assert losses[0] != losses[1]


def test_draws_are_keyed_by_seed_place_and_scenario(setting):
    learner, scenes = setting()
    other, _ = setting(seed=1)
    batch = scenes[[0]]
    again, elsewhere = learner._strayed(batch).action, other._strayed(batch).action
    assert torch.equal(learner._strayed(batch).action, again)
    assert not torch.equal(elsewhere, again)
    both = scenes[[0, 1]]
    assert torch.equal(learner._strayed(both).action[: len(again)], again)


def test_micro_batches_add_up(setting):
    learner, scenes = setting()
    parts = []
    for batches in ([scenes[[0, 1]]], [scenes[[0]], scenes[[1]]]):
        total = float(sum(map(learner.counts, batches)))
        parts.append(sum(learner.loss(batch, total)[0].item() for batch in batches))
    assert parts[0] == pytest.approx(parts[1], abs=1e-5)
