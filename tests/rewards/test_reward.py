"""Means of rewards that differ by agent, by hand."""

import torch

from simagents.rewards.reward import Rewards

AGENTS = torch.tensor([2, 1])


def test_agents_that_pad_a_scene_do_not_count():
    """Scene 0 has agents with 1 and 3 in its one rollout, scene 1 one agent with 5: means 2 and 5."""
    total = torch.tensor([[[[1.0], [3.0]]], [[[5.0], [0.0]]]])
    rewards = Rewards(total, {"twice": 2 * total, "of_scenes": torch.tensor([[1.0], [4.0]])})
    assert rewards.by_rollout(AGENTS).tolist() == [[2.0], [5.0]]
    means = {name: mean.item() for name, mean in rewards.means(AGENTS).items()}
    assert means == {"reward": 3.5, "twice": 7.0, "of_scenes": 2.5}


def test_a_reward_that_is_the_same_for_all_agents_is_its_own_mean():
    total = torch.tensor([[0.25, 0.5], [0.75, 1.0]])[:, :, None, None]
    assert torch.equal(Rewards(total).by_rollout(AGENTS), total[:, :, 0, 0])
