"""Learners: parts of a batch add up to the whole, and what an algorithm needs is checked."""

import copy
from dataclasses import replace
from functools import partial

import pytest
import torch

from simagents.algorithms.mpo import mpo_loss
from simagents.errors import InputError
from simagents.models.smart import Smart
from simagents.training.batches import Scenes
from simagents.training.learners import ALGORITHMS, Padding, build_learner

COEFFICIENTS = {
    "bc": {"label_smoothing": 0.1, "smoothing": "spatial"},
    "noisy_bc": {"label_smoothing": 0.1, "noise": "nearest_k", "top_k": 5, "temperature": 1.0},
    "catk": {"label_smoothing": 0.0, "rollout": "closest", "top_k": 8},
    "mpo": {
        "alpha": 0.6, "beta": 0.04, "reward": "rollout", "challenge": 2025,
        "sampling_top_k": 16, "temperature": 1.0,
    },
}  # fmt: skip


@pytest.fixture
def setting(disk, recipe_of, policy):
    """(learner, scenes, policy) of an algorithm; for MPO the policy has moved from its reference."""

    def make(algorithm, **changes):
        recipe = recipe_of(
            algorithm=algorithm,
            coefficients={**COEFFICIENTS[algorithm], **changes},
            budget={"rollouts": 3 if algorithm == "mpo" else 0},
        )
        reference = copy.deepcopy(policy)
        with torch.no_grad():
            policy.head[-1].weight.mul_(1.1)
        learner = build_learner(recipe, policy, policy, reference, {})
        return learner, Scenes(disk.tokens, disk.scenarios, recipe), policy

    return make


def gradients(learner, policy: Smart, batches):
    """Losses, logged numbers and gradients, summed over micro-batches."""
    policy.zero_grad()
    total = float(sum(map(learner.counts, batches)))
    loss, stats = 0.0, {}
    for batch in batches:
        part, numbers = learner.loss(batch, total)
        part.backward()
        loss += part.item()
        for name, value in numbers.items():
            stats[name] = stats.get(name, 0.0) + value.item()
    found = {name: p.grad.clone() for name, p in policy.named_parameters() if p.grad is not None}
    return loss, {name: v for name, v in stats.items() if not name.startswith("seconds")}, found


def test_every_algorithm_is_tested_here():
    assert set(ALGORITHMS) == set(COEFFICIENTS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_micro_batches_of_one_are_one_of_two(setting, algorithm):
    learner, scenes, policy = setting(algorithm)
    whole = gradients(learner, policy, [scenes[[0, 1]]])
    parts = gradients(learner, policy, [scenes[[0]], scenes[[1]]])
    assert_same(whole, parts)
    if algorithm == "mpo":
        assert 0 < whole[1]["reward"] < 1
        assert whole[1]["kl"] > 0


def assert_same(whole, parts):
    assert whole[0] == pytest.approx(parts[0], abs=1e-5)
    assert whole[1] == pytest.approx(parts[1], abs=1e-4)
    assert whole[2].keys() == parts[2].keys()
    for name, gradient in whole[2].items():
        assert torch.allclose(gradient, parts[2][name], rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("algorithm", ["bc", "noisy_bc", "catk"])
def test_a_few_steps_lower_the_loss(setting, algorithm):
    learner, scenes, policy = setting(algorithm)
    optimiser = torch.optim.Adam(policy.parameters(), lr=3e-3)
    batch, losses = scenes[[0]], []
    for _ in range(4):
        optimiser.zero_grad()
        loss, _ = learner.loss(batch, float(learner.counts(batch)))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_agents_that_are_not_trained_on_do_not_count(setting):
    learner, scenes, policy = setting("bc")
    batch = scenes[[0]]
    counted = learner.counts(batch)
    batch.scenes.trained[:] = False
    assert counted > learner.counts(batch) == 0
    loss, _, found = gradients(learner, policy, [batch])
    assert loss == 0
    assert all((gradient == 0).all() for gradient in found.values())


def test_a_reward_at_the_threshold_teaches_nothing_without_the_penalty(setting):
    learner, scenes, policy = setting("mpo", beta=0.0, reward="scene")
    batch = scenes[[0]]
    _, stats, taught = gradients(learner, policy, [batch])
    fair = replace(learner, objective=partial(mpo_loss, alpha=stats["reward"], beta=0.0))
    _, _, nothing = gradients(fair, policy, [batch])
    sizes = [max(g.abs().max().item() for g in found.values()) for found in (taught, nothing)]
    assert sizes[1] < 1e-4 * sizes[0]


def test_at_the_reference_there_is_no_divergence(setting, disk, recipe_of, policy):
    recipe = recipe_of(algorithm="mpo", coefficients=COEFFICIENTS["mpo"], budget={"rollouts": 2})
    learner = build_learner(recipe, policy, policy, copy.deepcopy(policy), {})
    stats = learner.loss(Scenes(disk.tokens, disk.scenarios, recipe)[[0]], 2.0)[1]
    assert stats["kl"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("algorithm", "change", "message"),
    [
        (
            "bc",
            {"label_smothing": 0.1},
            "coefficients of bc: unknown key `label_smothing`; did you mean `label_smoothing`",
        ),
        ("mpo", {"betta": 0.1}, "coefficients of mpo: unknown key `betta`; did you mean `beta`"),
        ("catk", {"top_k": ...}, "catk needs the coefficient `top_k`"),
        ("catk", {"rollout": "likeliest"}, "coefficients of catk: unknown key `top_k`"),
        ("catk", {"rollout": "closer"}, r"catk\.rollout: unknown key `closer`; did you mean `closest`"),
        ("catk", {"rollout": "top_k_filtered", "temperature": 1.0}, "needs the coefficient `filter_"),
        ("noisy_bc", {"noise": "nearest"}, "unknown key `nearest`; did you mean `nearest_k`"),
        ("mpo", {"alpha": ...}, "mpo needs the coefficient `alpha`"),
    ],
)  # fmt: skip
def test_coefficients_too_many_or_too_few_are_named(recipe_of, policy, algorithm, change, message):
    given = {**COEFFICIENTS[algorithm], **change}
    given = {key: value for key, value in given.items() if value is not ...}
    with pytest.raises(InputError, match=message):
        build_learner(
            recipe_of(algorithm=algorithm, coefficients=given), policy, policy, policy, {}
        )


def test_an_unknown_algorithm_and_a_missing_parent_are_named(recipe_of, policy):
    with pytest.raises(
        InputError, match=r"recipe\.algorithm: unknown key `catc`; did you mean `catk`"
    ):
        build_learner(recipe_of(algorithm="catc"), policy, policy, None, {})
    mpo = recipe_of(algorithm="mpo", coefficients=COEFFICIENTS["mpo"])
    with pytest.raises(InputError, match="mpo starts from a parent run; give its weights"):
        build_learner(mpo, policy, policy, None, {})


def test_a_measured_threshold_takes_the_place_of_the_rule(recipe_of, policy):
    coefficients = {**COEFFICIENTS["mpo"], "alpha": {"parent_mean": 0.0}}
    recipe = recipe_of(algorithm="mpo", coefficients=coefficients)
    learner = build_learner(recipe, policy, policy, policy, {"alpha": 0.71})
    assert learner.objective.keywords["alpha"] == 0.71


def test_padding_puts_rows_where_they_belong(batch):
    counts = torch.bincount(batch.agent_scene).tolist()
    rows = torch.arange(2 * len(batch.agent_scene)).float()[:, None].expand(-1, 4)
    padded = Padding(batch, 2)(rows)
    assert padded.shape == (3, 2, max(counts), 4)
    first = 0
    for scene, count in enumerate(counts):
        for rollout in range(2):
            mine = padded[scene, rollout]
            assert mine[:count, 0].tolist() == list(range(first, first + count))
            assert (mine[count:] == 0).all()
            first += count
