"""Tracks become chains of tokens that follow them, and start again where the log is broken."""

import pytest
import torch

from simagents.geometry import to_local, to_world
from simagents.tokens.chain import corner_distance, token_chain
from simagents.tokens.vocabulary import TOKEN_STEPS, Vocabulary

VEHICLE, PEDESTRIAN = torch.tensor([0]), torch.tensor([1])


def track(step, start=(0.0, 0.0), heading=0.0):
    """Poses [1, 19, 3] of an agent that goes `step` metres ahead in each half second."""
    x = torch.arange(TOKEN_STEPS + 1) * step
    local = torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], dim=-1)
    return to_world(local, torch.tensor([*start, heading]))[None]


def seen(*missing):
    valid = torch.ones(1, TOKEN_STEPS + 1, dtype=torch.bool)
    valid[0, list(missing)] = False
    return valid


def test_corner_distance_by_hand(hand_made):
    """A car of reference size 3 m ahead: tokens end at 0, 1, 5 and 10 m, all corners alike."""
    start = torch.tensor([[7.0, 1.0, 0.5]])
    goal = to_world(torch.tensor([[3.0, 0.0, 0.0]]), start)
    distance = corner_distance(hand_made, VEHICLE, start, goal)
    assert distance[0].tolist() == pytest.approx([3.0, 2.0, 2.0, 7.0], abs=1e-5)


def test_padding_is_infinitely_far(hand_made):
    pose = torch.zeros(1, 3)
    distance = corner_distance(hand_made, PEDESTRIAN, pose, pose)
    assert distance.isinf()[0].tolist() == [False, False, True, True]


@pytest.mark.parametrize("heading", [0.0, 2.0, -3.0])
def test_constant_velocity_is_one_token_repeated(hand_made, heading):
    logged = track(5.0, start=(30.0, -4.0), heading=heading)
    token, path, valid = token_chain(hand_made, VEHICLE, logged, seen())
    assert token.tolist() == [[2] * TOKEN_STEPS]
    assert torch.allclose(path, logged[:, 1:], atol=1e-4)
    assert valid.all()


def test_errors_do_not_add_up(hand_made):
    """At 3 m a step, steps of 1 and 5 m alternate: the path is never 2 m off, however long it is."""
    logged = track(3.0)
    token, path, _ = token_chain(hand_made, VEHICLE, logged, seen())
    assert set(token[0].tolist()) == {1, 2}
    error = (path[0, :, 0] - logged[0, 1:, 0]).abs()
    assert error.max() <= 2 + 1e-5
    assert error[-1] <= 2 + 1e-5


def test_a_gap_starts_the_chain_again_from_the_log(hand_made):
    """Boundary 6 is missing, so tokens 5 and 6 have no two ends; the chain goes on from pose 7."""
    logged = track(3.0)
    _, path, valid = token_chain(hand_made, VEHICLE, logged, seen(6))
    assert (~valid[0]).nonzero().flatten().tolist() == [5, 6]
    assert torch.equal(path[0, 6], logged[0, 7])
    _, again, _ = token_chain(hand_made, VEHICLE, track(3.0, start=(21.0, 0.0)), seen())
    assert torch.allclose(path[0, 7:], again[0, : TOKEN_STEPS - 7])


def test_every_class_uses_its_own_tokens(hand_made):
    """Pedestrians know no step of 5 m and fall behind."""
    token, path, _ = token_chain(hand_made, PEDESTRIAN, track(5.0), seen())
    assert token.max() == 1
    assert path[0, -1, 0].item() == pytest.approx(TOKEN_STEPS)


def test_a_vocabulary_that_contains_the_motions_reconstructs_them():
    """Random walks over the tokens of a random vocabulary come back token by token."""
    generator = torch.manual_seed(0)
    end = torch.randn(3, 20, 3, generator=generator) * torch.tensor([3.0, 0.5, 0.2])
    motion = end[:, :, None] * (torch.arange(6) / 5)[:, None]
    vocabulary = Vocabulary(motion, torch.full((3,), 20), torch.zeros(1, 11, 2))
    agent_class = torch.arange(3).repeat(4)
    walked = torch.randint(20, (12, TOKEN_STEPS), generator=generator)
    poses = [torch.randn(12, 3, generator=generator)]
    for t in range(TOKEN_STEPS):
        poses.append(to_world(motion[agent_class, walked[:, t], -1], poses[-1]))
    valid = torch.ones(12, TOKEN_STEPS + 1, dtype=torch.bool)
    token, path, _ = token_chain(vocabulary, agent_class, torch.stack(poses, 1), valid)
    assert torch.equal(token, walked)
    error = to_local(path, torch.stack(poses[1:], 1))
    assert error.abs().max() < 1e-4
