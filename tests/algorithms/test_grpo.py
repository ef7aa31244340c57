"""GRPO against numbers worked out by hand, and against what must always hold."""

from functools import partial

import pytest
import torch
from simagents.algorithms.grpo import grpo_loss

loss_of = partial(grpo_loss, clip=0.2, beta=0.04, divide_by_deviation=True)


def rollouts(reward, logp=0.0, old=0.0, divergence=0.0):
    """One scene, one agent, one token: as many rollouts as there are rewards."""
    ones = torch.ones(1, len(reward), 1, 1, dtype=torch.float64)
    reward = torch.tensor([reward], dtype=torch.float64)
    return ones * logp, ones * old, ones * divergence, reward, ones / reward.shape[1]


def test_by_hand():
    """Rewards 1, 3 have mean 2 and deviation 1: the advantages are -1, +1. With ratio e^0.5 = 1.649 the
    gains are min(-1.649, -1.2) = -1.649 and min(1.649, 1.2) = 1.2: the loss is 0.2244.
    """
    loss, stats = loss_of(*rollouts([1.0, 3.0], logp=0.5))
    assert loss.item() == pytest.approx(0.2244, abs=1e-4)
    assert stats["spread"].item() == 1
    assert stats["clipped"].item() == 0.5


def test_without_division_the_size_of_a_difference_matters():
    """Rewards 1, 5 have mean 3: -2 and 2 push twice as hard as 1, 3, and divided they push alike."""
    pushes = {}
    for divide in (True, False):
        for top in (3.0, 5.0):
            logp, *rest = rollouts([1.0, top])
            loss, _ = loss_of(logp.requires_grad_(), *rest, divide_by_deviation=divide)
            pushes[divide, top] = torch.autograd.grad(loss, logp)[0][0, 1].item()
    assert pushes[True, 5.0] == pytest.approx(pushes[True, 3.0], abs=1e-5)
    assert pushes[False, 5.0] == pytest.approx(2 * pushes[False, 3.0])


@pytest.mark.parametrize("divide", [True, False])
def test_equal_rewards_teach_nothing(divide):
    logp, *rest = rollouts([2.0, 2.0])
    loss, _ = loss_of(logp.requires_grad_(), *rest, divide_by_deviation=divide)
    loss.backward()
    assert logp.grad.abs().max() == 0


@pytest.mark.parametrize("shift", [-5.0, 7.0])
def test_only_differences_in_reward_matter(shift):
    loss, _ = loss_of(*rollouts([1.0, 3.0, 4.0], logp=0.1))
    moved, _ = loss_of(*rollouts([1.0 + shift, 3.0 + shift, 4.0 + shift], logp=0.1))
    assert moved.item() == pytest.approx(loss.item(), abs=1e-9)
