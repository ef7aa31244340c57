"""Learning to reach goals: draws by place, hindsight, and how both change what is learned."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from documented import LOGS
from simagents.config.goals import Goals
from simagents.models.families import build_policy
from simagents.models.scenes import collate
from simagents.training.data.batches import TrainingScenes
from simagents.training.distributed import engine
from simagents.training.learners.goals import GoalLearning
from simagents.training.learners.registry import build_learner

GOALS = {
    "of": "log", "criterion": "hard", "radius": 2.0, "weight": 0.5, "dropout": 0.3,
    "learning_rate": None, "hindsight": {"share": 0.5, "clip": [0.2, 5.0]},
}  # fmt: skip
ALGORITHM = {
    "name": "policy_gradient", "reward": {"kind": "realism", "challenge": 2025, "scored": "scene"},
    "credit": {"rule": "mloo"}, "whiten": False, "surrogate": {"kind": "on_policy"},
    "log_prob": "sum", "divergence": {"estimator": "k3", "beta": 0.04},
    "sampling": {"top_k": 16, "temperature": 1.0}, "goals": GOALS,
}  # fmt: skip
HERE = np.array([0])
ALWAYS, NEVER = {"share": 1.0, "clip": [0.2, 5.0]}, {"share": 0.0, "clip": [0.2, 5.0]}


def learning(**changes):
    return GoalLearning(Goals.model_validate({**GOALS, **changes}), 0)


def driven(*ends):
    """For each list of ends (m) a rollout in which agents go there, east from the origin; [R, A, 80, 4]."""
    share = torch.arange(1, 81) / 80
    path = torch.zeros(len(ends), len(ends[0]), 80, 4)
    path[..., 0] = torch.tensor(ends)[:, :, None] * share
    return path


@pytest.fixture
def scene(street):
    """Three agents around the origin, of which two have goals, 40 and 20 m east of it."""
    scenario = street(start=((-10.0, 0.0),) * 3, types=(1, 1, 1), speed=(10.0,) * 3)
    return collate([scenario], goals=[np.array([[40.0, 0.0], [20.0, 0.0], [np.nan, np.nan]])])


CREDIT = torch.tensor([[0.01, 0.03, -0.04]])[:, :, None, None]
ENDS = driven([40.0, 50.0, 5.0], [10.0, 20.0, 5.0], [80.0, 21.0, 5.0])


def test_given_goals_by_hand(scene):
    """At the end the first rollout has reached one goal of two, so have the second and the third. On the
    way, the first has passed both and the third, too: 1, 1/2 and 1."""
    hard = learning(hindsight=None).pursuit(scene, HERE, [ENDS], CREDIT)
    assert hard.given.tolist() == hard.learned.tolist() == [[0.5, 0.5, 0.5]]
    soft = learning(hindsight=None, criterion="soft").pursuit(scene, HERE, [ENDS], CREDIT)
    assert soft.given.tolist() == [[1.0, 0.5, 1.0]]
    assert torch.equal(soft.scenes.goal.nan_to_num(), scene.goal.nan_to_num())
    assert not soft.hindsight.any()


def test_hindsight_by_hand(scene):
    """The second rollout has the highest credit. Its ends, 10 and 20 m, are the new goals of the two agents
    with goals: it reaches both, the third one the one at 20 m (21 m), the first none."""
    pursuit = learning(hindsight=ALWAYS).pursuit(scene, HERE, [ENDS], CREDIT)
    assert pursuit.hindsight.all()
    assert pursuit.scenes.goal[:2].tolist() == [[10.0, 0.0], [20.0, 0.0]]
    assert pursuit.scenes.goal[2].isnan().all()
    assert pursuit.given.tolist() == [[0.5, 0.5, 0.5]]
    assert pursuit.learned.tolist() == [[0.0, 1.0, 0.5]]
    # λ = 1/2: half of the credit, and half of -3/4, 3/4 and 0.
    expected = [0.005 - 0.375, 0.015 + 0.375, -0.02]
    advantage = learning(hindsight=ALWAYS).advantage(CREDIT, pursuit)
    torch.testing.assert_close(advantage.flatten(), torch.tensor(expected))


def test_only_hindsight_is_reweighted_and_no_further_than_the_limits(scene):
    """Ratios 2, e^4 and e^-4 over an agent's two actions become 2, 5 and 0.2 in hindsight, else 1."""
    given = torch.zeros(1, 3, 1, 2)
    logp = torch.tensor([np.log(2) / 2, 2.0, -2.0]).float()[None, :, None, None].expand(1, 3, 1, 2)
    for settings, expected in ((ALWAYS, [2.0, 5.0, 0.2]), (NEVER, [1.0, 1.0, 1.0])):
        goals = learning(hindsight=settings)
        pursuit = goals.pursuit(scene, HERE, [ENDS], CREDIT)
        advantage, _ = goals.reweighted(CREDIT, logp, given, pursuit)
        torch.testing.assert_close(advantage / CREDIT, torch.tensor(expected)[None, :, None, None])


def test_a_scene_without_goals_has_no_credit_for_them_and_logs_none(scene):
    nowhere = replace(scene, goal=torch.full_like(scene.goal, torch.nan))
    goals = learning(hindsight=ALWAYS)
    pursuit = goals.pursuit(nowhere, HERE, [ENDS], CREDIT)
    torch.testing.assert_close(goals.advantage(CREDIT, pursuit), 0.5 * CREDIT)
    has_goal = torch.zeros(1, 3, 3, dtype=torch.bool)
    stats = goals.logged(CREDIT, pursuit, torch.ones(1, 3, 3), has_goal, 3.0)
    numbers = {name: value.item() for name, value in stats.items()}
    goals.follow(numbers)
    assert numbers["goal_scenes"] == 0
    assert {"goal_reached", "hindsight_ratio"}.isdisjoint(numbers)


def test_draws_depend_on_the_place_alone_and_come_as_often_as_set(scene):
    """Goals lost in 4,000 scenes at 0.3: the deviation of their share is 0.005."""
    goals = learning()
    alone = [goals.given(scene, np.array([place])).goal[:2, 0].isnan() for place in range(2000)]
    share = torch.stack(alone).double().mean().item()
    assert share == pytest.approx(0.3, abs=0.03)
    again = replace(goals, seed=1).given(scene, np.array([7]))
    assert torch.equal(goals.given(scene, np.array([7])).goal[:2, 0].isnan(), alone[7])
    assert any(
        not torch.equal(
            replace(goals, seed=1).given(scene, np.array([p])).goal[:2, 0].isnan(), alone[p]
        )
        for p in range(9)
    )
    assert again.goal[2].isnan().all()
    hindsight = [bool(goals._in_hindsight(np.array([place]))) for place in range(2000)]
    assert np.mean(hindsight) == pytest.approx(0.5, abs=0.05)


# ---- with a policy ----------------------------------------------------------------------------------


@pytest.fixture
def setting(disk, recipe_of, policy, vocabulary, tiny):
    """(learner, scenes, policy): a policy that sees goals, moved from its reference."""

    def make(**goals):
        recipe = recipe_of(
            algorithm={**ALGORITHM, "goals": {**GOALS, **goals}},
            budget={"rollouts": 2},
            model={**tiny, "goals": "concatenation"},
        )
        model = build_policy(recipe, vocabulary).eval()
        model.load_state_dict(policy.state_dict(), strict=False)
        reference = copy.deepcopy(model)
        with torch.no_grad():
            for name in model.added:
                model.get_parameter(name).normal_(generator=torch.Generator().manual_seed(1))
        learner = build_learner(recipe, model, model, reference)
        return learner, TrainingScenes(disk.scenarios, disk.tokens, recipe), model

    return make


def gradients(learner, policy, batches):
    """Numbers and gradients, summed over micro-batches."""
    policy.zero_grad()
    learner.prepare(batches)
    total, stats = float(sum(map(learner.counts, batches))), {}
    for batch in batches:
        loss, numbers = learner.loss(batch, total)
        loss.backward()
        for name, value in numbers.items():
            stats[name] = stats.get(name, 0.0) + value.item()
    return stats, {n: p.grad.clone() for n, p in policy.named_parameters() if p.grad is not None}


def test_two_micro_batches_of_one_are_one_of_two(setting):
    """Of places 0 and 1, one of which is learned in hindsight."""
    learner, scenes, policy = setting()
    assert learner.goals._in_hindsight(np.array([0, 1])).sum() == 1
    one, whole = gradients(learner, policy, [scenes[[0, 1]]])
    two, parts = gradients(learner, policy, [scenes[[0]], scenes[[1]]])
    for name, number in one.items():
        if not name.startswith("seconds"):
            assert two[name] == pytest.approx(number, rel=1e-3, abs=1e-5), name
    (added,) = policy.added
    assert whole[added].abs().max() > 0
    for name, gradient in whole.items():
        assert torch.allclose(
            parts[name], gradient, rtol=1e-3, atol=1e-4 * gradient.abs().max() + 1e-6
        )
    terms = next(iter(learner.prepared.values())).rewards.terms
    learner.follow(one)
    logged = {name for name in LOGS["goals"].logs if not name.startswith("seconds")}
    assert {name for name in one if not name.startswith("seconds")} - terms.keys() == logged
    assert 0 <= one["goal_reached"] <= 1
    assert one["realism_credit"] > 0


def test_without_weight_hindsight_and_dropout_it_is_the_learner_without_goals(setting):
    """λ = 0 and all goals as given: the rewards, advantages and loss of plain MLOO."""
    learner, scenes, _ = setting(weight=0.0, dropout=0.0, hindsight=None)
    batch = scenes[[0]]
    learner.prepare([batch])
    with_goals, stats = learner.loss(batch, 2.0)
    plain = replace(learner, goals=None)
    plain.prepare([batch])
    loss, without = plain.loss(batch, 2.0)
    assert torch.equal(loss, with_goals)
    assert stats["reward"] == without["reward"]


def test_cloning_learns_the_log_under_its_goals_and_micro_batches_lose_the_same_ones(
    disk, recipe_of, vocabulary, tiny
):
    """Two scenes as one batch and as two; every goal is lost where the draws say so."""
    goals = {"of": "log", "dropout": 0.5, "learning_rate": None}
    recipe = recipe_of(
        algorithm={"name": "bc", "label_smoothing": 0.0, "smoothing": "uniform", "goals": goals},
        model={**tiny, "goals": "concatenation"},
    )
    policy = build_policy(recipe, vocabulary).eval()
    learner = build_learner(recipe, policy, policy, None)
    scenes = TrainingScenes(disk.scenarios, disk.tokens, recipe)
    grads = []
    for batches in ([scenes[[0, 1]]], [scenes[[0]], scenes[[1]]]):
        policy.zero_grad()
        total = float(sum(map(learner.counts, batches)))
        for batch in batches:
            learner.loss(batch, total)[0].backward()
        grads.append(policy.goal_coordinates.weight.grad.clone())
    assert grads[0].abs().max() > 0
    torch.testing.assert_close(*grads, rtol=1e-3, atol=1e-5)
    assert scenes.held_out([0]).scenes.goal is None


def test_weights_that_read_goals_may_have_a_rate_of_their_own(
    setting, recipe_of, tiny, monkeypatch
):
    """In a group of its own; the others keep the rate of the budget."""
    seen = {}
    import deepspeed

    monkeypatch.setattr(
        deepspeed, "initialize", lambda **given: seen.update(given) or (given["model"],)
    )
    learner, _, policy = setting(learning_rate=0.05)
    engine.wrap(policy, learner.recipe, 1, 1, 0)
    ordinary, added = seen["optimizer"].param_groups
    assert [group["initial_lr"] for group in (ordinary, added)] == [1e-3, 0.05]
    (name,) = policy.added
    assert [id(p) for p in added["params"]] == [id(policy.get_parameter(name))]
    assert len(ordinary["params"]) == sum(1 for _ in policy.parameters()) - 1
