"""Where tokens lead."""

from math import pi

import pytest
import torch

from simagents.models.paths import AgentState
from simagents.models.smart.actions import TokenActions


def state(agent_class, pose):
    """Agents of those classes at those poses."""
    count = len(pose)
    return AgentState(pose, torch.zeros(count, 2), torch.ones(count, 3), agent_class)


def test_a_token_is_laid_at_the_pose(vocabulary):
    """Facing north at (10, 5), what lies ahead lies north."""
    actions = TokenActions(vocabulary)
    action = vocabulary.motion[0, :, -1, 0].argmax()[None]
    pose = torch.tensor([[10.0, 5.0, pi / 2]])
    steps = actions.step(state(torch.tensor([0]), pose), action).pose
    motion = vocabulary.motion[0, action[0], 1:]
    assert steps.shape == (1, 5, 3)
    assert torch.allclose(steps[0, :, 1] - 5, motion[:, 0], atol=1e-5)
    assert torch.allclose(10 - steps[0, :, 0], motion[:, 1], atol=1e-5)


def test_the_nearest_token_leads_where_it_came_from(vocabulary):
    """Every token is the nearest to its own end, among all and among a few that include it."""
    actions = TokenActions(vocabulary)
    count = int(vocabulary.count[0])
    agent_class, tokens = torch.zeros(count, dtype=torch.int64), torch.arange(count)
    pose = torch.randn(count, 3, generator=torch.manual_seed(0)) * 5
    here = state(agent_class, pose)
    goal = actions.step(here, tokens).pose[:, -1]
    assert torch.equal(actions.nearest(here, goal), tokens)
    few = torch.stack([(tokens + 3) % count, tokens, (tokens + 7) % count], dim=1)
    assert torch.equal(actions.nearest(here, goal, few), tokens)


@pytest.mark.parametrize("first", [0, 1])
def test_only_those_in_question_are_chosen(vocabulary, first):
    actions = TokenActions(vocabulary)
    pose = torch.zeros(1, 3)
    far = vocabulary.motion[0, :, -1, 0].argmax()
    goal = vocabulary.motion[0, far, -1][None]
    slow = vocabulary.motion[0, :, -1, 0].argsort()[:2]
    chosen = actions.nearest(state(torch.tensor([0]), pose), goal, slow.roll(first)[None])
    assert chosen.item() == slow[1]


def test_the_velocity_after_a_token_is_that_of_its_last_tenth_of_a_second(vocabulary):
    actions = TokenActions(vocabulary)
    action = vocabulary.motion[0, :, -1, 0].argmax()[None]
    motion = actions.step(state(torch.tensor([0]), torch.zeros(1, 3)), action)
    last = motion.pose[0, -1, :2] - motion.pose[0, -2, :2]
    assert last.norm() > 0.1
    assert torch.allclose(motion.velocity[0], last / 0.1)
