"""Learners: parts of a batch add up to the whole, and what an algorithm needs is checked."""

import copy
from dataclasses import replace

import pytest
import torch

from algorithm_cases import ALGORITHMS, IMITATING
from documented import LOGS
from simagents.config import algorithms
from simagents.config.credit import CREDITS
from simagents.config.keys import read_as
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.models.smart.network import Smart
from simagents.models.value import ValueHead
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.controls import Fixed, ParentRewards
from simagents.training.learners.experience import Padding
from simagents.training.learners.policy_gradient import by_action
from simagents.training.learners.registry import build_learner

POLICY_GRADIENTS = tuple(n for n, a in ALGORITHMS.items() if a["name"] == "policy_gradient")


def changed(algorithm, **changes):
    """An algorithm's settings with some keys replaced; dots lead inwards, as double underscores."""
    settings = copy.deepcopy(ALGORITHMS[algorithm])
    for key, value in changes.items():
        *outer, last = key.split("__")
        place = settings
        for name in outer:
            place = place[name]
        place[last] = value
    return settings


@pytest.fixture
def setting(disk, recipe_of, policy):
    """(learner, scenes, policy) of an algorithm; the policy has moved from its reference."""

    def make(algorithm, worlds_at_once=0, **changes):
        rollouts = 0 if algorithm in IMITATING else 3
        recipe = recipe_of(algorithm=changed(algorithm, **changes), budget={"rollouts": rollouts})
        reference = copy.deepcopy(policy) if recipe.algorithm.needs_reference else None
        with torch.no_grad():
            policy.head[-1].weight.mul_(1.1)
        if recipe.algorithm.value is not None:
            policy.value_head = ValueHead(policy.feature_width, 0)
            torch.nn.init.normal_(policy.value_head.layers[-1].weight)
        learner = build_learner(recipe, policy, policy, reference, None, worlds_at_once)
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
    grads = {name: p.grad.clone() for name, p in policy.named_parameters() if p.grad is not None}
    return loss, {name: v for name, v in stats.items() if not name.startswith("seconds")}, grads


def test_every_algorithm_and_credit_rule_is_tested_here():
    # SMART has no latents and makes no forecasts: test_reconstruction.py, test_forecasting.py
    elsewhere = {"closed_loop_regression", "forecasting"}
    assert {settings["name"] for settings in ALGORITHMS.values()} | elsewhere == set(
        algorithms.ALGORITHMS.kinds
    )
    rules = {settings["credit"]["rule"] for settings in ALGORITHMS.values() if "credit" in settings}
    assert rules | {"running_mean"} == set(CREDITS.kinds)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_micro_batches_of_one_are_one_of_two(setting, algorithm):
    learner, scenes, policy = setting(algorithm)
    whole = gradients(learner, policy, [scenes[[0, 1]]])
    parts = gradients(learner, policy, [scenes[[0]], scenes[[1]]])
    assert_same(whole, parts)
    if algorithm not in IMITATING:
        assert (
            (-100 < whole[1]["reward"] < 0) if algorithm == "peng" else (0 < whole[1]["reward"] < 1)
        )
        assert whole[1].get("kl", 1) > 0


@pytest.mark.parametrize(("page", "case"), [(p, c) for p, page in LOGS.items() for c in page.cases])
def test_a_step_logs_what_the_page_of_its_algorithm_says(setting, page, case):
    """And the terms of its reward."""
    learner, scenes, _ = setting(case)
    batch = scenes[[0]]
    numbers = dict(learner.prepare([batch]))
    numbers |= learner.loss(batch, float(learner.counts(batch)))[1]
    prepared = getattr(learner, "prepared", {}).get(batch.first)
    rewards = getattr(getattr(prepared, "experience", prepared), "rewards", None)
    numbers = {name: float(value) for name, value in numbers.items()}
    learner.follow(numbers)
    assert numbers.keys() - (rewards.terms.keys() if rewards else set()) == set(LOGS[page].logs)


def assert_same(whole, parts):
    assert whole[0] == pytest.approx(parts[0], abs=1e-5)
    assert whole[1] == pytest.approx(parts[1], abs=1e-4)
    assert whole[2].keys() == parts[2].keys()
    for name, gradient in whole[2].items():
        assert torch.allclose(gradient, parts[2][name], rtol=1e-3, atol=1e-5), name


def test_rollouts_in_parts_teach_what_they_teach_together(setting):
    """Three rollouts, two and one at a time."""
    learner, scenes, policy = setting("ppo", divergence__estimator="exact_forward")
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
    """The reference is evaluated once; in the second pass the policy is elsewhere than where it sampled."""
    learner, scenes, policy = setting("ppo")
    batch, evaluations = scenes[[0]], []
    learner.reference.register_forward_hook(lambda *_: evaluations.append(1))
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
    assert evaluations == [1]


def test_advantages_are_whitened_over_all_micro_batches(setting):
    learner, scenes, _ = setting("ppo")
    batches = [scenes[[0]], scenes[[1]]]
    learner.prepare(batches)
    each = []
    for batch in batches:
        advantage = learner.prepared[batch.first].padded["advantage"]
        each.append(advantage[Padding(batch.scenes, 3).present].mean())
    each = torch.stack(each)
    assert each.abs().min() > 0.001  # none is whitened alone
    assert each.mean().item() == pytest.approx(0, abs=1e-5)


def test_where_the_log_sees_nobody_nothing_is_learned_and_nothing_is_whitened(setting):
    """Steps of an agent that the log has lost have neither weight nor part in mean and deviation, and with a
    sum over actions all others weigh alike, however many agents their scenes have."""
    learner, scenes, _ = setting("peng")
    batches = [scenes[[0]], scenes[[1]]]
    for batch in batches:
        batch.scenarios[0].valid[batch.scenarios[0].simulated[1], 31:] = False
    learner.prepare(batches)
    counted, left_out = [], 0
    for batch in batches:
        sampled = learner.prepared[batch.first]
        pad = Padding(batch.scenes, 3)
        valid = sampled.valid(pad)
        assert not valid[:, :, 1, 4:].any()
        left_out += int((pad.valid(16) & ~valid).sum())
        counted.append(sampled.padded["advantage"].expand_as(valid)[valid])
    counted = torch.cat(counted)
    assert left_out >= 2 * 3 * 12
    assert counted.mean().item() == pytest.approx(0, abs=1e-4)
    assert counted.std(correction=0).item() == pytest.approx(1, abs=1e-4)
    batch = batches[0]
    before, _ = learner.loss(batch, 3.0)
    advantage = learner.prepared[batch.first].padded["advantage"]
    advantage[:, :, 1, 4:] = 1e6
    assert learner.loss(batch, 3.0)[0].item() == before.item()


def test_a_reward_by_action_is_the_mean_over_those_of_its_steps_that_count():
    """Two actions of two steps with -1, -3 | -5, 0, of which the log does not see the last: -2 and -5."""
    reward, counted = torch.tensor([-1.0, -3.0, -5.0, 0.0]), torch.tensor([True, True, True, False])
    assert by_action(reward, 2, counted).tolist() == [-2.0, -5.0]
    assert by_action(reward, 2).tolist() == [-2.0, -2.5]
    assert by_action(reward, 2, torch.zeros(4, dtype=torch.bool)).tolist() == [0.0, 0.0]


def test_the_value_learns_without_teaching_the_policy(setting):
    """With no gain and no penalty only the head has a gradient."""
    learner, scenes, policy = setting("ppo", divergence__beta=0.0)
    batch = scenes[[0]]
    learner.prepare([batch])
    sampled = learner.prepared[batch.first]
    sampled.padded["advantage"] = torch.zeros_like(sampled.padded["advantage"])
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
    one, other = (learner.prepared[b.first] for b in (batch, later))
    assert torch.equal(one.experience.paths.action, other.experience.paths.action)
    assert (one.gap >= 0).all()
    assert learner.counts(batch) == 1
    learner, scenes, _ = setting("dpo", least_gap=1.1)
    learner.prepare([batch])
    assert learner.counts(batch) == 0
    assert learner.loss(batch, 0.0)[0] == 0


def test_parts_of_the_reward_are_logged(setting):
    learner, scenes, policy = setting("mpo", reward__scored="scene")
    _, stats, _ = gradients(learner, policy, [scenes[[0]], scenes[[1]]])
    buckets = [stats[f"{name}_metrics"] for name in ("kinematic", "interactive", "map_based")]
    assert stats["reward"] == pytest.approx(
        0.2 * buckets[0] + 0.45 * buckets[1] + 0.35 * buckets[2], abs=1e-5
    )
    assert 0 <= stats["simulated_collision_rate"] <= 1


def test_what_follows_the_run_is_logged_used_and_remembered(setting, recipe_of, policy):
    beta = {"start": 0.04, "target": 0.01, "patience": 5.0, "least": 0.001, "most": 1.0}
    credit = {"rule": "running_mean", "alpha": {"parent_mean": 0.0}, "rate": 0.5}
    algorithm = changed("mpo", credit=credit, divergence__beta=beta)
    recipe = recipe_of(algorithm=algorithm, budget={"rollouts": 3})
    first, second = (
        build_learner(recipe, policy, policy, copy.deepcopy(policy), ParentRewards(0.6, 0.1))
        for _ in range(2)
    )
    batch = setting("mpo")[1][[0]]
    first.prepare([batch])
    stats = first.loss(batch, 3.0)[1]
    assert stats["alpha"].item() == pytest.approx(0.6)
    assert stats["beta"].item() == pytest.approx(0.04)
    first.follow({"reward": 0.8, "kl": 0.02})
    assert first.state() == pytest.approx({"alpha": 0.7, "beta": 0.048856, "followed": 1}, abs=1e-6)
    second.restore(first.state())
    assert second.state() == first.state()


def test_without_a_divergence_there_is_no_reference(setting):
    """REINFORCE from any weights, random ones too."""
    learner, scenes, policy = setting("reinforce")
    _, stats, _ = gradients(learner, policy, [scenes[[0]]])
    assert learner.reference is None
    assert "kl" not in stats


def test_a_sum_teaches_as_many_times_as_there_are_actions(setting):
    """The gain's gradient is that of the mean, times the actions of a rollout."""
    grads = {}
    for reduction in ("mean", "sum"):
        learner, scenes, policy = setting("mpo", divergence=None, log_prob=reduction)
        batch = scenes[[0]]
        policy.load_state_dict(grads.setdefault("weights", copy.deepcopy(policy.state_dict())))
        grads[reduction] = gradients(learner, policy, [batch])[2]
    actions = len(batch.scenes.agent_scene) * 16
    name = "head.3.weight"
    assert torch.allclose(grads["sum"][name], actions * grads["mean"][name], rtol=1e-3, atol=1e-4)


def test_credit_by_set_needs_a_reward_of_sets(recipe_of, policy):
    for rule in ("mloo", "leave_one_out"):
        recipe = recipe_of(algorithm=changed(rule, reward__scored="rollout"))
        with pytest.raises(InputError, match=f"credit `{rule}` compares rewards of all rollouts"):
            build_learner(recipe, policy, policy, policy)


@pytest.mark.parametrize("algorithm", IMITATING)
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
    loss, _, grads = gradients(learner, policy, [batch])
    assert loss == 0
    assert all((gradient == 0).all() for gradient in grads.values())


def test_a_reward_at_the_threshold_teaches_nothing_without_the_penalty(setting):
    learner, scenes, policy = setting("mpo", divergence__beta=0.0, reward__scored="scene")
    batch = scenes[[0]]
    _, stats, taught = gradients(learner, policy, [batch])
    fair = replace(learner, threshold=Fixed(stats["reward"]))
    _, _, nothing = gradients(fair, policy, [batch])
    sizes = [max(g.abs().max().item() for g in grads.values()) for grads in (taught, nothing)]
    assert sizes[1] < 1e-4 * sizes[0]


def test_at_the_reference_there_is_no_divergence(disk, recipe_of, policy):
    recipe = recipe_of(algorithm=ALGORITHMS["mpo"], budget={"rollouts": 2})
    learner = build_learner(recipe, policy, policy, copy.deepcopy(policy))
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
            "algorithm: unknown key `label_smothing`; did you mean `label_smoothing`",
        ),
        (
            "mpo",
            {"divergence__betta": 0.1},
            r"algorithm\.divergence: unknown key `betta`; did you mean `beta`",
        ),
        (
            "catk",
            {"rollout": {"choice": "closest"}},
            r"algorithm\.rollout\.top_k: the key is missing",
        ),
        ("catk", {"rollout__choice": "likeliest"}, r"algorithm\.rollout: unknown key `top_k`"),
        (
            "catk",
            {"rollout__choice": "closer"},
            r"rollout\.choice: unknown value `closer`; did you mean `closest`",
        ),
        ("noisy_bc", {"noise": "nearest"}, "unknown value `nearest`; did you mean `nearest_k`"),
        ("mpo", {"credit": {"rule": "constant"}}, r"algorithm\.credit\.alpha: the key is missing"),
        ("mpo", {"reward__scored": "subgroup"}, r"algorithm\.reward.*`subgroup`"),
        (
            "grpo",
            {"divergence__estimator": "k3x"},
            r"divergence\.estimator: unknown value `k3x`; did you mean `k3`",
        ),
        ("dpo", {"beta": {"start": 1.0}}, r"algorithm\.beta: the value must be a valid number"),
        ("bc", {"name": "bcc"}, r"algorithm\.name: unknown value `bcc`; did you mean `bc`"),
        ("mpo", {"credit__rule": "constnt"}, r"credit\.rule: unknown value `constnt`; did you"),
    ],
)
def test_keys_too_many_or_too_few_are_named(recipe_of, algorithm, change, message):
    content = recipe_of().model_dump(mode="json") | {"algorithm": changed(algorithm, **change)}
    with pytest.raises(InputError, match=message):
        read_as(Recipe, content, "recipe.json")


def test_a_measured_threshold_takes_the_place_of_the_rule(recipe_of, policy):
    algorithm = changed("mpo", credit__alpha={"parent_mean": 0.01})
    learner = build_learner(
        recipe_of(algorithm=algorithm), policy, policy, policy, ParentRewards(0.7, 0.1)
    )
    assert learner.threshold.value == pytest.approx(0.71)


def test_padding_puts_rows_where_they_belong(batch):
    counts = torch.bincount(batch.agent_scene).tolist()
    rows = torch.arange(2 * len(batch.agent_scene)).float()[:, None].expand(-1, 4)
    padded = Padding(batch, 2)(rows)
    assert padded.shape == (3, 2, max(counts), 4)
    first = 0
    for scene, count in enumerate(counts):
        for rollout in range(2):
            rows_of_scene = padded[scene, rollout]
            assert rows_of_scene[:count, 0].tolist() == list(range(first, first + count))
            assert (rows_of_scene[count:] == 0).all()
            first += count
