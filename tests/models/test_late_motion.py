"""Agents that the log shows late: their first token starts nowhere, or at the world's origin."""

from dataclasses import replace

import pytest
import torch

from plain.smart import PlainSmart
from simagents.config.models import Smart as SmartSettings
from simagents.models.paths import Worlds
from simagents.models.smart.network import Smart
from simagents.models.smart.token_policy import history_paths, logged_paths

FAR = torch.tensor([[3000.0, -7000.0], [8000.0, 1000.0], [-500.0, 4000.0]], dtype=torch.float64)
"""Origins of three scenes in the world frame, as far out as WOMD's are."""


@pytest.fixture
def late(batch):
    """The scenes far out, with every third agent first seen at step 5 and every third at step 40."""
    tokens = batch.representation
    valid, number = tokens.valid.clone(), torch.arange(len(tokens.valid))
    valid[number % 3 == 0, 0] = False
    valid[number % 3 == 1, :7] = False
    generator = torch.manual_seed(0)

    def shaken(poses):
        # Nothing lies exactly behind something or as far away as something else: rounding would decide.
        noise = torch.randn(poses.shape, generator=generator)
        return poses + noise * torch.tensor([0.3, 0.3, 0.1])

    tokens = replace(
        tokens, valid=valid, pose=shaken(tokens.pose), map_pose=shaken(tokens.map_pose)
    )
    return replace(batch, representation=tokens, origin=FAR)


@pytest.fixture
def make(vocabulary, tiny):
    """A policy whose logits differ, with slow frequencies: positions are some thousand metres."""

    def made(late_motion):
        torch.manual_seed(0)
        policy = Smart(SmartSettings(**{**tiny, "late_motion": late_motion}), vocabulary).eval()
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
            policy.agent_motion.frequency.mul_(0.2)
        return policy

    return made


def first_tokens(paths):
    """[N, T] bool: valid tokens, the first step's apart, before which there is none."""
    return paths.valid & ~paths.valid.roll(1, dims=1) & (torch.arange(paths.valid.shape[1]) > 0)


def largest_difference(logits, others):
    """Over the tokens that a class has; logits of the others are minus infinity."""
    there = logits.isfinite()
    assert there.any(dim=-1).all()
    return (logits - others)[there].abs().max()


@pytest.mark.parametrize("late_motion", ["none", "world_position"])
def test_late_agents_are_answered_as_by_the_plain_network(make, late, late_motion):
    policy, paths = make(late_motion), logged_paths(late)
    assert first_tokens(paths).sum() > 10
    expected, agent, step = PlainSmart.of(policy).logits(late, paths)
    assert expected.std() > 0.1
    assert largest_difference(policy(late, paths).logits[agent, step], expected) < 2e-4


def test_a_late_agent_s_first_motion_is_its_place_in_the_world(make, late):
    """And nobody else's: the agents of a scene whose log is whole do not see a difference."""
    paths = logged_paths(late)
    policy = make("world_position")
    moved = []
    hook = policy.agent_motion.register_forward_pre_hook(lambda module, given: moved.append(given))
    policy(late, paths)
    hook.remove()
    seen = paths.valid[:, :-1]
    motion = torch.zeros(*seen.shape, 2)
    motion[seen] = moved[0][0]
    first = first_tokens(paths)[:, :-1]
    world = paths.pose[:, :-1, :2].double() + FAR[late.agent_scene][:, None]
    expected = world[first].norm(dim=-1)
    assert (expected > 1000).all()
    assert (motion[first][:, 0] - expected).abs().max() < 5e-4  # float32 of thousands of metres
    bearing = torch.atan2(world[first][:, 1], world[first][:, 0]) - paths.pose[:, :-1][first][:, 2]
    turned = torch.remainder(motion[first][:, 1] - bearing + torch.pi, 2 * torch.pi) - torch.pi
    assert turned.abs().max() < 1e-5
    assert motion[~first][:, 0].max() < 100


def test_the_world_s_origin_matters_to_late_agents_only_where_the_key_says_so(make, late):
    paths, elsewhere = logged_paths(late), replace(late, origin=FAR + 100)
    asked = paths.valid[:, 1:-1]
    for late_motion, changes in (("none", False), ("world_position", True)):
        policy = make(late_motion)
        here, there = (policy(scenes, paths).logits[asked] for scenes in (late, elsewhere))
        assert (largest_difference(here, there) > 0.01) == changes
        assert changes or torch.equal(here, there)


def test_a_rollout_starts_from_what_the_whole_pass_says(make, late):
    """The first simulated action: the last of the history, of agents seen from step 5 on included."""
    policy, history = make("world_position"), history_paths(late, Worlds.of(late, 1))
    whole = policy(late, logged_paths(late)).logits[:, 0]
    state, begun = policy.begin(late)
    now = logged_paths(late).valid[:, 1]
    assert first_tokens(history)[now].any()
    assert largest_difference(begun.logits[now], whole[now]) < 1e-5
    twice = policy.history_paths(late, Worlds.of(late, 2))
    branched, _ = policy.branch(state, begun, twice)
    assert torch.equal(branched.origin, FAR[late.agent_scene[twice.agent]])
