"""PPO against numbers worked out by hand, and against REINFORCE, which it must be at first."""

from functools import partial
from math import inf

import pytest
import torch
from simagents.algorithms.gae import advantages
from simagents.algorithms.ppo import ppo_loss

loss_of = partial(ppo_loss, clip=0.2, value_weight=0.5, beta=0.04)


def tokens(*values):
    """One scene, one rollout, one agent."""
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


def test_by_hand():
    """Ratios e^0.5 = 1.649 of advantages 1, -1: gains min(1.649, 1.2), min(-1.649, -1.2), mean -0.2244.
    Errors 0.25 and 1, halved and averaged: 0.3125. Divergence 0.1: 0.004. In all 0.5409.
    """
    loss, stats = loss_of(
        tokens(0.5, 0.5), tokens(0, 0), tokens(0.5, 0), tokens(1, -1), tokens(1, 1),
        tokens(0.1, 0.1), tokens(0.5, 0.5),
    )  # fmt: skip
    assert loss.item() == pytest.approx(0.2244 + 0.3125 + 0.004, abs=1e-4)
    assert stats["clipped"].item() == 0.5
    assert stats["value_error"].item() == pytest.approx(0.625)


def test_clipped_tokens_teach_nothing():
    """Up by more than the clip although it is good, down by more although it is bad."""
    logp = tokens(0.5, -0.5, 0.5, -0.5).requires_grad_()
    zero, quarter = tokens(0, 0, 0, 0), tokens(*[0.25] * 4)
    loss, _ = loss_of(logp, zero, zero, tokens(1, -1, -1, 1), zero, zero, quarter)
    loss.backward()
    assert (logp.grad.flatten() != 0).tolist() == [False, False, True, True]


def test_at_first_and_without_clipping_it_is_reinforce_with_a_baseline():
    """π = π_old, γ = λ = 1, no whitening: -(r - V) ∇log π for every token."""
    generator = torch.manual_seed(0)
    logp, value = torch.randn(2, 3, 4, 2, 5, generator=generator, dtype=torch.float64)
    reward = torch.rand(3, 4, 2, generator=generator, dtype=torch.float64)
    advantage, returns = advantages(reward, value, discount=1.0, gae_lambda=1.0)
    weight = torch.full_like(logp, 1 / logp.numel())
    logp = logp.requires_grad_()
    loss, _ = ppo_loss(
        logp, logp.detach(), value, advantage, returns, torch.zeros_like(logp), weight,
        clip=inf, value_weight=0.5, beta=0.0,
    )  # fmt: skip
    (ours,) = torch.autograd.grad(loss, logp)
    baseline = reward[..., None] - value
    (theirs,) = torch.autograd.grad(-(weight * baseline * logp).sum(), logp)
    assert torch.allclose(ours, theirs, atol=1e-15)


def test_the_value_learns_the_return_and_nothing_else():
    logp, value = tokens(0.0, 0.0).requires_grad_(), tokens(0.2, 0.8).requires_grad_()
    zero, half = tokens(0, 0), tokens(0.5, 0.5)
    loss, _ = loss_of(logp, zero, value, zero, tokens(0.5, 0.5), zero, half)
    loss.backward()
    assert value.grad.flatten().tolist() == pytest.approx([-0.15, 0.15])
    assert (logp.grad == 0).all()
