"""Advantages by hand, in their limits, and whitened in parts."""

import pytest
import torch
from simagents.algorithms.gae import advantages, moments, whitened

ONE = torch.tensor([1.0])


def test_by_hand():
    """Values 0.5 and 0.6, reward 1 at the end, λ = 0.5: δ = 0.1, 0.4; A = 0.1 + 0.5 * 0.4, 0.4."""
    value = torch.tensor([[0.5, 0.6]])
    advantage, returns = advantages(ONE, value, discount=1.0, gae_lambda=0.5)
    assert advantage[0].tolist() == pytest.approx([0.3, 0.4])
    assert returns[0].tolist() == pytest.approx([0.8, 1.0])


def test_with_lambda_one_the_return_is_the_discounted_reward():
    value = torch.randn(1, 4, generator=torch.manual_seed(0))
    _, returns = advantages(ONE, value, discount=0.5, gae_lambda=1.0)
    assert returns[0].tolist() == pytest.approx([0.125, 0.25, 0.5, 1.0])


def test_with_lambda_zero_it_is_one_step_ahead():
    value = torch.tensor([[0.2, 0.5, 0.1]])
    advantage, _ = advantages(ONE, value, discount=1.0, gae_lambda=0.0)
    assert advantage[0].tolist() == pytest.approx([0.3, -0.4, 0.9])


def test_whitening_in_parts_is_whitening_the_whole():
    """As micro-batches and processes do it; what weighs nothing does not count."""
    term, weight = torch.randn(2, 6, generator=torch.manual_seed(0)) * 3 + 1
    weight = weight.abs()
    weight[2], term[2] = 0, torch.nan
    whole = whitened(term, moments(weight, term))
    parts = whitened(term, moments(weight[:3], term[:3]) + moments(weight[3:], term[3:]))
    assert torch.equal(whole[weight > 0], parts[weight > 0])
    share = (weight / weight.sum())[weight > 0]
    kept = whole[weight > 0]
    assert (share * kept).sum().item() == pytest.approx(0, abs=1e-6)
    assert (share * kept.square()).sum().item() == pytest.approx(1, abs=1e-6)


def test_equal_advantages_become_zero():
    term = torch.full((4,), 0.7)
    assert whitened(term, moments(torch.full((4,), 0.25), term)).abs().max() < 1e-3
