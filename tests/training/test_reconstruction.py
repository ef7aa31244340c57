"""Closed-loop regression, and fine-tuning of what it trained by the learner of every family."""

import copy

import pytest
import torch

from documented import LOGS
from simagents.errors import InputError
from simagents.models.families import build_policy
from simagents.models.smart.network import Smart
from simagents.simulation.choice import Likeliest
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.policy_gradient import PolicyGradient
from simagents.training.learners.registry import build_learner

REGRESSION = {
    "name": "closed_loop_regression", "position": 0.1, "heading": 10.0, "speed": 0.1, "likelihood": 0.1,
    "divergence": 1.0, "balance": 0.2, "free_nats": 1.0, "destination": 1.0,
    "teacher_forcing": {"start": 0.4, "until": 0.5},
}  # fmt: skip
MLOO = {
    "name": "policy_gradient", "reward": {"kind": "realism", "challenge": 2025, "scored": "scene"},
    "credit": {"rule": "mloo"}, "whiten": False, "surrogate": {"kind": "on_policy"}, "log_prob": "sum",
    "divergence": {
        "estimator": "exact_reverse",
        "beta": {"start": 0.01, "target": 0.01, "patience": 5.0, "least": 1e-3, "most": 1e3},
    },
    "sampling": {"top_k": 16, "temperature": 1.0},
}  # fmt: skip
BOTS = dict(
    family="traffic_bots", width=16, heads=2, bands=4, piece_metres=20.0, piece_nodes=4,
    map_layers=0, map_neighbours=6, agent_layers=1, nearest_pieces=8, nearest_agents=6, look_every=5,
    latent_width=3, destination_radius=100.0, least_deviation=0.01,
)  # fmt: skip


@pytest.fixture
def setting(disk, recipe_of):
    """(learner, scenes, policy) of TrafficBots."""

    def make(algorithm=REGRESSION, seed=0, model=BOTS, vocabulary=None, **budget):
        recipe = recipe_of(model=model, algorithm=algorithm, seed=seed, budget=budget)
        policy = build_policy(recipe, vocabulary)
        reference = copy.deepcopy(policy) if recipe.algorithm.needs_reference else None
        learner = build_learner(recipe, policy, policy, reference)
        tokens = disk.tokens if recipe.model.reads_tokens else None
        return learner, TrainingScenes(disk.scenarios, tokens, recipe), policy

    return make


def gradient(learner, policy, batches):
    """Loss, logged numbers and gradients, summed over micro-batches."""
    policy.zero_grad()
    total = float(sum(map(learner.counts, batches)))
    loss, stats = 0.0, {}
    for batch in batches:
        part, numbers = learner.loss(batch, total)
        part.backward()
        loss += part.item()
        for name, value in numbers.items():
            stats[name] = stats.get(name, 0.0) + float(value)
    return loss, stats, torch.cat([p.grad.flatten() for p in policy.parameters()])


def test_two_micro_batches_of_one_are_one_of_two(setting):
    """And the loss is the sum of its weighted terms."""
    learner, scenes, policy = setting()
    whole = gradient(learner, policy, [scenes[[0, 1]]])
    parts = gradient(learner, policy, [scenes[[0]], scenes[[1]]])
    assert whole[0] == pytest.approx(parts[0], rel=1e-3)
    assert whole[1] == pytest.approx(parts[1], rel=1e-2, abs=1e-3)
    assert (whole[2] - parts[2]).norm() < 0.01 * whole[2].norm()
    terms = "position", "heading", "speed", "likelihood", "divergence", "destination"
    assert whole[0] == pytest.approx(sum(REGRESSION[t] * whole[1][t] for t in terms), rel=1e-4)
    assert whole[1]["divergence"] >= 1.0
    assert whole[1].keys() == set(LOGS["closed_loop_regression"].logs)


def test_teacher_forcing_falls_to_zero_by_the_share_of_the_budget(setting):
    """0.4, and after a quarter of 8 steps of 2 scenes 0.2; from the half on none."""
    learner, _, _ = setting()
    assert [learner._forcing(2 * step) for step in (0, 2, 4, 7)] == [0.4, 0.2, 0.0, 0.0]


def test_draws_are_keyed_by_seed_and_place(setting):
    learner, scenes, policy = setting()
    other, _, _ = setting(seed=1)
    other.policy = other.model = policy
    batch = scenes[[0]]
    total = float(learner.counts(batch))
    with torch.no_grad():
        one, again, seeded = (who.loss(batch, total)[0] for who in (learner, learner, other))
    assert one == again != seeded


def test_a_family_that_cannot_reconstruct_is_refused_in_one_sentence(setting, tiny, vocabulary):
    with pytest.raises(InputError, match="this model family cannot reconstruct a log; choose bc"):
        setting(model=tiny, vocabulary=vocabulary)


def test_a_step_brings_it_nearer_to_the_log(setting):
    learner, scenes, policy = setting()
    optimiser = torch.optim.AdamW(policy.parameters(), lr=1e-2)
    batch, totals = scenes[[0]], []
    for _ in range(2):
        optimiser.zero_grad()
        loss, _ = learner.loss(batch, float(learner.counts(batch)))
        loss.backward()
        optimiser.step()
        totals.append(loss.item())
    assert totals[1] < totals[0]


# ---- MLOO: the same functions for both base models ---------------------------------------------------


@pytest.mark.parametrize("family", ["traffic_bots", "smart"])
def test_mloo_is_one_learner_for_both_families(setting, tiny, vocabulary, family, monkeypatch):
    """All that the learner calls of a policy is in the contract, and its loss is finite."""
    model, words = (BOTS, None) if family == "traffic_bots" else (tiny, vocabulary)
    learner, scenes, policy = setting(MLOO, model=model, vocabulary=words, rollouts=3)
    assert type(learner) is PolicyGradient
    assert isinstance(policy, Smart) == (family == "smart")
    with torch.no_grad():
        for weight in policy.fine_tuned[-1].parameters():
            weight.mul_(1.1)
    batch = scenes[[0]]
    learner.prepare([batch])
    loss, stats = learner.loss(batch, float(learner.counts(batch)))
    loss.backward()
    assert torch.isfinite(loss)
    assert stats["kl"] > 0
    moved = [p.grad.abs().sum() for part in policy.fine_tuned for p in part.parameters()]
    assert sum(moved) > 0


class Forward:
    """A reward for metres driven: of a rollout, the mean over agents."""

    scores_sets = False

    def __call__(self, scenarios, trajectories, without=False):
        from simagents.rewards.reward import Rewards

        metres = [
            (each[:, :, -1, :2] - each[:, :, 0, :2]).norm(dim=-1).mean(dim=1)
            for each in trajectories
        ]
        return Rewards(torch.stack(metres)[:, :, None, None] / 10)


def test_the_gradient_raises_what_is_rewarded(setting):
    """Two steps of RLOO for metres driven: the likeliest rollout drives farther."""
    settings = {
        **MLOO,
        "reward": {**MLOO["reward"], "scored": "rollout"},
        "credit": {"rule": "rloo"},
    }
    learner, scenes, policy = setting(settings, rollouts=4)
    learner.reward = Forward()
    optimiser = torch.optim.SGD(policy.parameters(), lr=0.05)
    batch = scenes[[0]]

    def driven():
        rolled = roll_out(policy, batch.scenes, 1, lambda draws: Likeliest(), seed=0)
        return Forward()(None, rolled.trajectories).total.mean().item()

    before = driven()
    for _ in range(2):
        learner.prepare([batch])
        optimiser.zero_grad()
        loss, _ = learner.loss(batch, float(learner.counts(batch)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimiser.step()
    assert driven() > before
