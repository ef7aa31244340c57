"""Closed-loop imitation: what it rolls out, what it learns from, and where its gradient comes from."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from simagents.config.algorithms import ROLLOUTS, Sampling
from simagents.geometry import to_world
from simagents.models.paths import Worlds
from simagents.models.smart.token_policy import history_paths
from simagents.scenarios.agent_class import REFERENCE_SIZE
from simagents.simulation.choice import ClosestAmongTop
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.registry import build_learner

ALL = {
    "closest": {"choice": "closest", "top_k": 8},
    "top_k": {"choice": "top_k", "top_k": 5, "temperature": 1.0},
    "filtered": {"choice": "top_k", "top_k": 5, "temperature": 1.0, "filter_lengths": 1.0},
    "likeliest": {"choice": "likeliest"},
}


@pytest.fixture
def setting(disk, recipe_of, policy):
    def make(rollout, seed=0):
        algorithm = {"name": "catk", "label_smoothing": 0.0, "rollout": ALL[rollout]}
        recipe = recipe_of(algorithm=algorithm, seed=seed)
        learner = build_learner(recipe, policy, policy, None)
        return learner, TrainingScenes(disk.scenarios, disk.tokens, recipe_of())

    return make


def test_every_rollout_is_tested_here():
    assert set(ROLLOUTS.kinds) == {rollout["choice"] for rollout in ALL.values()}


def stepwise_loss(learner, policy, scenes):
    """As CAT-K's code does it: one rollout with gradients through the features that it remembers,
    the cross-entropy taken step by step where the rollout stands.
    """
    paths = history_paths(scenes, Worlds.of(scenes, 1))
    log = policy.logged_states(scenes)
    choice = ClosestAmongTop(learner.settings.rollout.top_k, policy.actions, log)
    agents, losses = paths.state(scenes, -1), []
    state, answer = policy.begin(scenes)
    for step in range(2, 18):
        target = policy.actions.nearest(agents, log.pose[:, step + 1])
        losses.append(cross_entropy(answer.logits, target, reduction="none"))
        token, _ = choice(answer, step, agents)
        agents = replace(agents, pose=policy.actions.step(agents, token).pose[:, -1])
        if step < 17:
            state, answer = policy.observe(state, token, agents)
    return torch.stack(losses, dim=1)


def test_the_gradient_is_that_through_the_rollout_s_cached_features(setting, policy):
    """One pass over the finished path against the rollout itself, for every weight it trains.

    The early steps' features get gradients from later steps in both: with those cut off the
    gradients differ.
    """
    learner, scenes = setting("closest")
    batch = scenes[[0, 1]]
    valid = learner._valid(batch.scenes)
    learner.loss(batch, float(learner.counts(batch)))[0].backward()
    ours = {name: p.grad.clone() for name, p in policy.named_parameters()}
    policy.zero_grad()
    losses = stepwise_loss(learner, policy, batch.scenes)
    (torch.where(valid, losses, 0.0).sum() / valid.sum()).backward()
    for name, parameter in policy.named_parameters():
        assert (ours[name] - parameter.grad).abs().max() < 1e-5, name
    assert max(g.abs().max() for n, g in ours.items() if n.startswith("time_layers")) > 1e-3


@pytest.mark.parametrize("rollout", ALL)
def test_two_micro_batches_of_one_are_one_of_two(setting, rollout):
    learner, scenes = setting(rollout)
    parts = []
    for batches in ([scenes[[0, 1]]], [scenes[[0]], scenes[[1]]]):
        total = float(sum(map(learner.counts, batches)))
        assert total > 20
        parts.append(sum(learner.loss(batch, total)[0].item() for batch in batches))
    assert parts[0] == pytest.approx(parts[1], abs=1e-5)
    assert not learner.rolled


@pytest.mark.parametrize("rollout", ["top_k", "filtered"])
def test_draws_are_those_of_the_recipe_s_seed(setting, rollout):
    learner, scenes = setting(rollout)
    other, _ = setting(rollout, seed=1)
    batch = scenes[[0]]
    tokens = [who._roll_out(batch).action for who in (learner, learner, other)]
    assert torch.equal(tokens[0], tokens[1])
    assert not torch.equal(tokens[0], tokens[2])


def test_rollouts_are_of_their_kind(setting, policy):
    """The likeliest token is always the first of the likeliest five, a draw is one of them."""
    batch = setting("closest")[1][[0]]
    for rollout, kept in (("likeliest", 1), ("top_k", 5), ("closest", 8)):
        paths = setting(rollout)[0]._roll_out(batch)
        with torch.no_grad():
            support = (
                policy(batch.scenes, paths).drawn_by(Sampling(top_k=kept, temperature=1.0)).support
            )
        chosen = (support == paths.action[:, 2:, None]).any(dim=-1)
        assert chosen.float().mean() > 0.99, rollout  # ties may fall either way


def test_the_closest_rollout_stays_nearest_to_the_log(setting):
    batch = setting("closest")[1][[0, 1]]
    distance = {}
    for rollout in ("closest", "top_k", "likeliest"):
        learner, _ = setting(rollout)
        _, stats = learner.loss(batch, float(learner.counts(batch)))
        distance[rollout] = stats["distance_to_log"].item()
    assert distance["closest"] == min(distance.values())
    assert distance["closest"] < distance["top_k"] / 2


def test_only_steps_that_end_near_the_log_are_learned_from(setting):
    """A box's length: 4.8 m for vehicles, 1 m for pedestrians, 2 m for cyclists."""
    learner, scenes = setting("filtered")
    batch = scenes[[0, 1]]
    paths = learner._roll_out(batch)
    kept, valid = learner._kept(batch.scenes, paths), learner._valid(batch.scenes)
    ends = (paths.pose[:, 2:, :2] - batch.scenes.representation.logged[:, 3:, :2]).norm(dim=-1)
    limit = torch.tensor(REFERENCE_SIZE)[batch.scenes.agent_class, 0, None]
    assert torch.equal(kept, valid & (ends < limit))
    assert 0 < kept.sum() < valid.sum()


def test_agents_beyond_150_m_now_or_before_are_not_learned_from(setting):
    learner, scenes = setting("closest")
    batch = scenes[[0]]
    tokens = batch.scenes.representation
    near = tokens.in_range.clone()
    near[0, 2] = False
    scenes = replace(batch.scenes, representation=replace(tokens, in_range=near))
    away = replace(batch, scenes=scenes)
    assert learner._valid(batch.scenes)[0].any()
    assert not learner._valid(away.scenes)[0].any()
    assert torch.equal(learner._valid(batch.scenes)[1:], learner._valid(away.scenes)[1:])


def test_targets_lead_from_where_the_rollout_stands_back_to_the_log(setting, policy):
    """A log moved aside is not followed by targets seen from the log: those of the rollout turn."""
    learner, scenes = setting("likeliest")
    batch = scenes[[0]]
    paths = learner._roll_out(batch)
    here, goal = paths.state(batch.scenes, 1), batch.scenes.representation.logged[:, 3]
    target = policy.actions.nearest(here, goal)
    ends = policy.actions.step(here, target).pose[:, -1]
    every = policy.actions.vocabulary.motion[batch.scenes.agent_class, :, -1]
    all_ends = to_world(every, here.pose[:, None])
    assert ends.shape == goal.shape
    nearest = (all_ends[..., :2] - goal[:, None, :2]).norm(dim=-1).amin(dim=1)
    assert ((ends - goal)[:, :2].norm(dim=-1) < nearest + 1.0).all()


def test_a_rollout_under_training_leaves_the_mode_as_it_was(setting, policy):
    learner, scenes = setting("closest")
    policy.train()
    learner._roll_out(scenes[[0]])
    assert policy.training


def test_roll_out_keeps_no_gradient(setting, policy):
    learner, scenes = setting("closest")
    batch = scenes[[0]]
    sampled = roll_out(policy, batch.scenes, 1, learner._choice(batch.scenes))
    assert not sampled.paths.pose.requires_grad
