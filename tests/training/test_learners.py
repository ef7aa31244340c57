"""Learners: parts of a batch add up to the whole, and what an algorithm needs is checked."""

import copy
from dataclasses import replace

import pytest
import torch

from simagents.errors import InputError
from simagents.models.smart.network import Smart
from simagents.models.value import ValueHead
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners import ALGORITHMS, build_learner, has_value_head
from simagents.training.learners.experience import Padding

REWARDED = {"reward": "rollout", "challenge": 2025, "sampling_top_k": 16, "temperature": 1.0}
COEFFICIENTS = {
    "bc": {"label_smoothing": 0.1, "smoothing": "spatial"},
    "noisy_bc": {"label_smoothing": 0.1, "noise": "nearest_k", "top_k": 5, "temperature": 1.0},
    "catk": {"label_smoothing": 0.0, "rollout": "closest", "top_k": 8},
    "mpo": {
        "alpha": 0.6, "beta": 0.04, "divergence": "k3", **REWARDED,
    },
    "ppo": {
        "clip": 0.2, "passes": 2, "discount": 1.0, "gae_lambda": 0.95, "value_weight": 0.5,
        "value_warmup": 0.1, "value_learning_rate": 1e-3, "beta": 0.04, "divergence": "k3", **REWARDED,
    },
    "grpo": {
        "clip": 0.2, "passes": 1, "divide_by_deviation": True, "beta": 0.04,
        "divergence": "exact_reverse", **REWARDED,
    },
    "dpo": {"beta": 10.0, "least_gap": 0.0, **REWARDED},
}  # fmt: skip
REINFORCED = ("mpo", "ppo", "grpo", "dpo")


@pytest.fixture
def setting(disk, recipe_of, policy):
    """(learner, scenes, policy) of an algorithm; for MPO the policy has moved from its reference."""

    def make(algorithm, worlds_at_once=0, **changes):
        recipe = recipe_of(
            algorithm=algorithm,
            coefficients={**COEFFICIENTS[algorithm], **changes},
            budget={"rollouts": 3 if algorithm in REINFORCED else 0},
        )
        reference = copy.deepcopy(policy)
        with torch.no_grad():
            policy.head[-1].weight.mul_(1.1)
        if has_value_head(recipe):
            policy.value_head = ValueHead(policy.config.width, 0)
            torch.nn.init.normal_(policy.value_head.layers[-1].weight)
        learner = build_learner(recipe, policy, policy, reference, {}, worlds_at_once)
        return learner, TrainingScenes(disk.scenarios, disk.tokens, recipe), policy

    return make


def gradients(learner, policy: Smart, batches):
    """Losses, logged numbers and gradients, summed over micro-batches."""
    policy.zero_grad()
    learner.prepare(batches)
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
    if algorithm in REINFORCED:
        assert 0 < whole[1]["reward"] < 1
        assert whole[1].get("kl", 1) > 0


def assert_same(whole, parts):
    assert whole[0] == pytest.approx(parts[0], abs=1e-5)
    assert whole[1] == pytest.approx(parts[1], abs=1e-4)
    assert whole[2].keys() == parts[2].keys()
    for name, gradient in whole[2].items():
        assert torch.allclose(gradient, parts[2][name], rtol=1e-3, atol=1e-5), name


def test_rollouts_in_parts_teach_what_they_teach_together(setting):
    """Three rollouts, two and one at a time."""
    learner, scenes, policy = setting("ppo", divergence="exact_forward")
    batches = [scenes[[0, 1]]]
    whole = gradients(learner, policy, batches)
    assert_same(whole, gradients(replace(learner, worlds_at_once=2), policy, batches))


def test_rollouts_in_parts_keep_fewer_activations(setting):
    """Of all parts only what computes them anew is kept."""
    kept = {}
    for at_once in (0, 1):
        learner, scenes, _ = setting("mpo", worlds_at_once=at_once)
        batch, sizes = scenes[[0]], []

        def packed(tensor, sizes=sizes):
            sizes.append(tensor.nbytes)
            return tensor

        learner.prepare([batch])
        with torch.autograd.graph.saved_tensors_hooks(packed, lambda tensor: tensor):
            learner.loss(batch, 3.0)
        kept[at_once] = sum(sizes)
    assert kept[1] < 0.1 * kept[0]


def test_each_pass_goes_over_the_same_rollouts(setting):
    """The reference is asked once; the second pass sees the policy elsewhere than where it sampled."""
    learner, scenes, policy = setting("ppo")
    batch, asked = scenes[[0]], []
    learner.reference.register_forward_hook(lambda *_: asked.append(1))
    learner.prepare([batch])
    first, stats = learner.loss(batch, 3.0)
    first.backward()
    learned = [p for p in policy.head.parameters() if p.grad is not None]
    with torch.no_grad():
        for parameter in learned:
            parameter -= 0.05 * parameter.grad
    second, moved = learner.loss(batch, 3.0)
    assert second < first
    assert stats["reward"] == moved["reward"]
    assert stats["kl"] != moved["kl"]
    assert learner.passes == 2
    assert asked == [1]


def test_advantages_are_whitened_over_all_micro_batches(setting):
    learner, scenes, _ = setting("ppo")
    batches = [scenes[[0]], scenes[[1]]]
    learner.prepare(batches)
    found = [learner.prepared[batch.first].rows["advantage"] for batch in batches]
    each = torch.stack([advantage.mean() for advantage in found])
    assert each.abs().min() > 0.01
    assert each.mean().item() == pytest.approx(0, abs=1e-5)


def test_the_value_learns_without_teaching_the_policy(setting):
    """With no gain and no penalty only the head has a gradient."""
    learner, scenes, policy = setting("ppo", beta=0.0)
    batch = scenes[[0]]
    learner.prepare([batch])
    known = learner.prepared[batch.first]
    known.rows["advantage"] = torch.zeros_like(known.rows["advantage"])
    policy.zero_grad()
    learner.loss(batch, 3.0)[0].backward()
    moved = {n for n, p in policy.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved
    assert all(name.startswith("value_head.") for name in moved)


def test_pairs_are_the_same_in_every_epoch_and_near_ones_are_left_out(setting):
    """Keyed by scenario, not by place; of two rewards the better comes first."""
    learner, scenes, _ = setting("dpo")
    batch = scenes[[0]]
    later = replace(batch, first=60)
    learner.prepare([batch, later])
    (one, _, gap), (other, _, _) = (learner.prepared[b.first] for b in (batch, later))
    assert torch.equal(one.paths.action, other.paths.action)
    assert (gap >= 0).all()
    assert learner.counts(batch) == 1
    learner.least_gap = 1.1
    learner.prepare([batch])
    assert learner.counts(batch) == 0
    assert learner.loss(batch, 0.0)[0] == 0


def test_parts_of_the_reward_are_logged(setting):
    learner, scenes, policy = setting("mpo", reward="scene")
    _, stats, _ = gradients(learner, policy, [scenes[[0]], scenes[[1]]])
    buckets = [stats[f"{name}_metrics"] for name in ("kinematic", "interactive", "map_based")]
    assert stats["reward"] == pytest.approx(
        0.2 * buckets[0] + 0.45 * buckets[1] + 0.35 * buckets[2], abs=1e-5
    )
    assert 0 <= stats["simulated_collision_rate"] <= 1


def test_what_follows_the_run_is_logged_used_and_remembered(setting, recipe_of, policy):
    beta = {"start": 0.04, "target": 0.01, "patience": 5.0, "least": 0.001, "most": 1.0}
    alpha = {"parent_mean": 0.0, "running_mean": 0.5}
    coefficients = {**COEFFICIENTS["mpo"], "alpha": alpha, "beta": beta}
    recipe = recipe_of(algorithm="mpo", coefficients=coefficients, budget={"rollouts": 3})
    first, second = (
        build_learner(recipe, policy, policy, copy.deepcopy(policy), {"alpha": 0.6})
        for _ in range(2)
    )
    batch = setting("mpo")[1][[0]]
    first.prepare([batch])
    stats = first.loss(batch, 3.0)[1]
    assert stats["alpha"].item() == pytest.approx(0.6)
    assert stats["beta"].item() == pytest.approx(0.04)
    first.learned({"reward": 0.8, "kl": 0.02})
    assert first.state() == pytest.approx({"alpha": 0.7, "beta": 0.048856}, abs=1e-6)
    second.restore(first.state())
    assert second.state() == first.state()


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
    fair = replace(learner, coefficients={**learner.coefficients, "alpha": stats["reward"]})
    _, _, nothing = gradients(fair, policy, [batch])
    sizes = [max(g.abs().max().item() for g in found.values()) for found in (taught, nothing)]
    assert sizes[1] < 1e-4 * sizes[0]


def test_at_the_reference_there_is_no_divergence(setting, disk, recipe_of, policy):
    recipe = recipe_of(algorithm="mpo", coefficients=COEFFICIENTS["mpo"], budget={"rollouts": 2})
    learner = build_learner(recipe, policy, policy, copy.deepcopy(policy), {})
    batch = TrainingScenes(disk.scenarios, disk.tokens, recipe)[[0]]
    learner.prepare([batch])
    stats = learner.loss(batch, 2.0)[1]
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
        ("mpo", {"reward": "subgroup"}, "mpo needs the coefficient `subgroup`"),
        ("grpo", {"divergence": "k3x"}, r"grpo\.divergence: unknown key `k3x`; did you mean `k3`"),
        ("dpo", {"beta": {"start": 1.0}}, r"dpo\.beta: a steepness"),
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
    assert learner.coefficients["alpha"] == 0.71


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
