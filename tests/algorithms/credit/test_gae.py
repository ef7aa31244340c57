"""Advantages with a value head by hand, and in their limits."""

import pytest
import torch

from simagents.algorithms.credit import Evidence, credit_of
from simagents.algorithms.credit.gae import advantages
from simagents.config.credit import Gae


def at_the_end(value, reward=1.0):
    rewards = torch.zeros_like(value)
    rewards[..., -1] = reward
    return rewards


def test_by_hand():
    """Values 0.5 and 0.6, reward 1 at the end, λ = 0.5: δ = 0.1, 0.4; A = 0.1 + 0.5 * 0.4, 0.4."""
    value = torch.tensor([[0.5, 0.6]])
    advantage, returns = advantages(at_the_end(value), value, discount=1.0, gae_lambda=0.5)
    assert advantage[0].tolist() == pytest.approx([0.3, 0.4])
    assert returns[0].tolist() == pytest.approx([0.8, 1.0])


def test_rewards_on_the_way_by_hand():
    """Rewards 1 and 2, values 0, γ = λ = 0.5: δ = 1, 2; A = 1 + 0.25 * 2, 2."""
    value = torch.zeros(1, 2)
    reward = torch.tensor([[1.0, 2.0]])
    advantage, _ = advantages(reward, value, discount=0.5, gae_lambda=0.5)
    assert advantage[0].tolist() == pytest.approx([1.5, 2.0])


def test_with_lambda_one_the_return_is_the_discounted_reward():
    value = torch.randn(1, 4, generator=torch.manual_seed(0))
    _, returns = advantages(at_the_end(value), value, discount=0.5, gae_lambda=1.0)
    assert returns[0].tolist() == pytest.approx([0.125, 0.25, 0.5, 1.0])


def test_with_lambda_zero_it_is_one_step_ahead():
    value = torch.tensor([[0.2, 0.5, 0.1]])
    advantage, _ = advantages(at_the_end(value), value, discount=1.0, gae_lambda=0.0)
    assert advantage[0].tolist() == pytest.approx([0.3, -0.4, 0.9])


def test_a_rollout_s_reward_comes_with_the_last_action_to_every_agent():
    """One scene, two rollouts, three agents, two actions; no value: reward at every action."""
    settings = Gae(
        rule="gae", discount=1.0, gae_lambda=1.0,
        value={"start": 0.0, "weight": 0.5, "warmup": 0.1, "learning_rate": 1e-3},
    )  # fmt: skip
    reward = torch.tensor([0.2, 0.7]).view(1, 2, 1, 1)
    credit = credit_of(settings, Evidence(reward, 2, value=torch.zeros(1, 2, 3, 2)))
    assert torch.allclose(credit.advantage, reward.expand(1, 2, 3, 2))
    assert torch.equal(credit.advantage, credit.returns)
