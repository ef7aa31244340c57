"""Rollouts depend on what they are keyed by, and on nothing else, to the last bit."""

import numpy as np
import pytest
import torch

from simagents.models.batch import collate, history_paths
from simagents.models.distribution import Sampling
from simagents.scenarios.scenario import CURRENT
from simagents.simulation.choice import DrawKeys, Sample
from simagents.simulation.rollout import by_scene, roll_out, to_world_frame

IDS = ["one", "two", "three"]
SAMPLING = Sampling(8, 1.0)


def simulate(policy, scenes, ids, rollouts, *, first=0, seed=7):
    """Poses [R, A, 80, 3] of every scene."""
    batch = collate(scenes)
    done = roll_out(
        policy, batch, rollouts, lambda p: Sample(DrawKeys(seed, ids, batch, p, first), SAMPLING)
    )  # fmt: skip
    return by_scene(done, batch, rollouts)


@pytest.fixture
def together(policy, scenes):
    return simulate(policy, scenes, IDS, 4)


def assert_identical(one, other):
    for ours, theirs in zip(one, other, strict=True):
        assert torch.equal(ours, theirs)


def test_one_scene_at_a_time(policy, scenes, together):
    alone = [simulate(policy, [s], [i], 4)[0] for s, i in zip(scenes, IDS, strict=True)]
    assert_identical(together, alone)


def test_two_rollouts_and_two_more(policy, scenes, together):
    first, second = (simulate(policy, scenes, IDS, 2, first=first) for first in (0, 2))
    assert_identical(together, [torch.cat(pair) for pair in zip(first, second, strict=True)])


def test_another_order_of_scenes(policy, scenes, together):
    back = simulate(policy, scenes[::-1], IDS[::-1], 4)
    assert_identical(together, back[::-1])


def test_again(policy, scenes, together):
    assert_identical(together, simulate(policy, scenes, IDS, 4))


def test_seeds_ids_and_rollouts_make_a_difference(policy, scenes, together):
    for other in (simulate(policy, scenes, IDS, 4, seed=8), simulate(policy, scenes, IDS[::-1], 4)):
        assert not torch.equal(other[0], together[0])
    assert len(torch.unique(together[1].flatten(1), dim=0)) == 4


def test_paths_and_poses_tell_the_same_story(policy, scenes, batch):
    """The chain's poses are every fifth of the fine ones; history is the log's."""
    done = roll_out(policy, batch, 2, lambda p: Sample(DrawKeys(0, IDS, batch, p), SAMPLING))
    assert done.poses.shape == (2 * len(batch.agent_class), 80, 3)
    assert torch.equal(done.poses[:, 4::5], done.paths.pose[:, 2:])
    assert torch.equal(done.paths.pose[:, :2], history_paths(batch, 2).pose)
    assert done.paths.valid[:, 1:].all()


def test_nobody_jumps(policy, scenes, together):
    """Fine poses go on from the current step: no gap of more than the fastest token's 0.1 s."""
    fastest = policy.actions.vocabulary.motion[..., :2].diff(dim=2).norm(dim=-1).max()
    for scene, poses in zip(scenes, together, strict=True):
        start = torch.from_numpy(scene.pose[:, 1]).expand(4, -1, 3)
        track = torch.cat([start[:, :, None], poses], dim=2)[..., :2]
        assert track.diff(dim=2).norm(dim=-1).max() < fastest + 1e-3


def test_no_gradient_is_kept(policy, scenes):
    assert not simulate(policy, scenes[:1], IDS[:1], 1)[0].requires_grad


def test_the_world_frame_is_the_logs(scenarios, scenes):
    """The log's own poses, sent through, land on the log; z stays at the current step's."""
    for scenario, scene in zip(scenarios, scenes, strict=True):
        rows = scenario.simulated
        logged = torch.from_numpy(scene.logged[:, 2:3]).expand(-1, 80, -1)[None]
        found = to_world_frame(scenario, logged).numpy()[0, :, 0]
        assert found[:, :3] == pytest.approx(scenario.position[rows, CURRENT], abs=1e-3)
        turn = found[:, 3] - scenario.heading[rows, CURRENT]
        assert np.abs(np.sin(turn / 2)).max() < 1e-3
