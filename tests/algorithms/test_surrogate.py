"""Gains against numbers worked out by hand."""

from math import inf

import pytest
import torch

from simagents.algorithms.surrogate import clipped_gain, on_policy_gain


def actions(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_on_policy_the_value_is_the_advantage_and_the_gradient_that_of_reinforce():
    logp, advantage = actions(-1.0, -2.0).requires_grad_(), actions(0.3, -0.7)
    gain = on_policy_gain(logp, advantage)
    gain.sum().backward()
    assert gain.tolist() == pytest.approx([0.3, -0.7])
    assert logp.grad.tolist() == pytest.approx([0.3, -0.7])


def test_clipping_by_hand():
    """Ratios e^0.5 = 1.649 of advantages 1, -1: gains min(1.649, 1.2), min(-1.649, -1.2)."""
    gain, clipped = clipped_gain(actions(0.5, 0.5), actions(0, 0), actions(1, -1), 0.2)
    assert gain.tolist() == pytest.approx([1.2, -1.6487], abs=1e-4)
    assert clipped.tolist() == [1, 0]


def test_outside_the_clipping_range_the_gradient_is_zero():
    """Up by more than the range although it is good, down by more although it is bad."""
    logp = actions(0.5, -0.5, 0.5, -0.5).requires_grad_()
    clipped_gain(logp, actions(0, 0, 0, 0), actions(1, -1, -1, 1), 0.2)[0].sum().backward()
    assert (logp.grad != 0).tolist() == [False, False, True, True]


def test_at_first_and_without_clipping_both_are_the_same():
    logp, advantage = torch.randn(2, 7, generator=torch.manual_seed(0), dtype=torch.float64)
    logp = logp.requires_grad_()
    gradients = [
        torch.autograd.grad(gain.sum(), logp)[0]
        for gain in (
            on_policy_gain(logp, advantage),
            clipped_gain(logp, logp.detach(), advantage, inf)[0],
        )
    ]
    assert torch.allclose(*gradients, atol=1e-15)
