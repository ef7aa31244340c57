"""Rollouts depend on what they are keyed by, and on nothing else, to the last bit."""

from dataclasses import replace

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.models.paths import Worlds
from simagents.models.smart.token_policy import history_paths
from simagents.scenarios.scenario import CURRENT
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out

SAMPLING = Sampling(top_k=8, temperature=1.0)


def rolled(policy, batch, rollouts, seed=7):
    return roll_out(policy, batch, rollouts, lambda draws: Sample(draws, SAMPLING), seed)


@pytest.fixture
def simulate(policy, scenarios, scenes, read):
    """Trajectories [R, A, 80, 4] of some of the scenes, in that order."""

    def run(numbers, rollouts, seed=7, names=None):
        batch = read([scenarios[n] for n in numbers], [scenes[n] for n in numbers])
        if names:
            batch = replace(batch, ids=names)
        return rolled(policy, batch, rollouts, seed).trajectories

    return run


@pytest.fixture
def together(simulate):
    return simulate([0, 1, 2], 4)


def assert_identical(some, others):
    for one, other in zip(some, others, strict=True):
        assert torch.equal(one, other)


def test_one_scene_at_a_time(simulate, together):
    assert_identical(together, [simulate([number], 4)[0] for number in range(3)])


def test_fewer_rollouts_are_the_first_of_more(simulate, together):
    assert_identical([one[:2] for one in together], simulate([0, 1, 2], 2))


def test_another_order_of_scenes(simulate, together):
    assert_identical(together, simulate([2, 1, 0], 4)[::-1])


def test_again(simulate, together):
    assert_identical(together, simulate([0, 1, 2], 4))


def test_seeds_ids_and_rollouts_make_a_difference(simulate, together):
    renamed = simulate([0, 1, 2], 4, names=("a", "b", "c"))
    for other in (simulate([0, 1, 2], 4, seed=8), renamed):
        assert not torch.equal(other[0], together[0])
    assert len(torch.unique(together[1].flatten(1), dim=0)) == 4


def test_paths_and_trajectories_tell_the_same_story(policy, batch):
    """The chain's poses are every fifth of the fine ones; history is the log's."""
    sampled = rolled(policy, batch, 2)
    rows = torch.cat([one.flatten(0, 1) for one in sampled.trajectories])
    origin = batch.origin[batch.agent_scene[sampled.paths.agent]]
    place = rows[:, 4::5, :2].double() - origin[:, None]
    assert rows.shape == (2 * len(batch.agent_class), 80, 4)
    assert torch.allclose(place.float(), sampled.paths.pose[:, 2:, :2], atol=1e-3)
    assert torch.equal(rows[:, 4::5, 3], sampled.paths.pose[:, 2:, 2])
    past = history_paths(batch, Worlds.of(batch, 2))
    assert torch.equal(sampled.paths.pose[:, :2], past.pose)
    assert sampled.paths.valid[:, 1:].all()
    assert sampled.paths.support.shape[1:] == (16, 8)


def test_nobody_jumps(policy, scenarios, together):
    """Fine poses continue from the current step: no gap of more than the fastest token's 0.1 s, and
    of what the first token differs from the log."""
    fastest = policy.actions.vocabulary.motion[..., :2].diff(dim=2).norm(dim=-1).max()
    for scenario, rollouts in zip(scenarios, together, strict=True):
        assert rollouts[..., :2].diff(dim=2).norm(dim=-1).max() < fastest + 1e-3
        now = torch.from_numpy(scenario.position[scenario.simulated, CURRENT, :2])
        assert (rollouts[:, :, 0, :2] - now).norm(dim=-1).max() < fastest + 1.0


def test_no_gradient_is_kept(policy, batch):
    sampled = rolled(policy, batch, 1)
    assert not sampled.paths.pose.requires_grad
    assert not any(one.requires_grad for one in sampled.trajectories)


def test_z_stays_at_the_current_step_s(scenarios, together):
    for scenario, rollouts in zip(scenarios, together, strict=True):
        height = torch.from_numpy(scenario.position[scenario.simulated, CURRENT, 2])
        assert torch.equal(rollouts[..., 2], height[:, None].expand(rollouts.shape[:-1]))
