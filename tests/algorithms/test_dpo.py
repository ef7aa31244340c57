"""DPO by hand, and which way it pushes."""

from math import exp, log

import pytest
import torch

from simagents.algorithms.dpo import best_and_worst, dpo_loss


def pair(better, worse, share=1.0):
    """One scene, one agent, two tokens: log-probabilities against a reference of -1."""
    logp = torch.tensor([better, worse], dtype=torch.float64).view(1, 2, 1, 2)
    mean = torch.full_like(logp, 0.5)
    return logp, torch.full_like(logp, -1.0), mean, torch.tensor([share], dtype=torch.float64)


def test_by_hand():
    """Mean log-ratios 0.2 and -0.1, β = 10: margin 3, loss log(1 + e^-3) = 0.0486."""
    loss, stats = dpo_loss(*pair([-0.9, -0.7], [-1.0, -1.2]), beta=10.0)
    assert stats["margin"].item() == pytest.approx(3)
    assert loss.item() == pytest.approx(log(1 + exp(-3)))
    assert stats["preferred"].item() == 1


def test_the_better_becomes_likelier_and_the_worse_less_so():
    """At the reference σ is a half: the gradient is -β/2 and β/2, spread over two tokens each."""
    logp, *rest = pair([-1.0, -1.0], [-1.0, -1.0])
    dpo_loss(logp.requires_grad_(), *rest, beta=10.0)[0].backward()
    assert logp.grad.flatten().tolist() == pytest.approx([-2.5, -2.5, 2.5, 2.5])


def test_longer_rollouts_weigh_no_more():
    """The mean over tokens: twice as many of the same change nothing."""
    loss, _ = dpo_loss(*pair([-0.9, -0.7], [-1.0, -1.2]), beta=10.0)
    logp, ref, mean, share = pair([-0.9, -0.7], [-1.0, -1.2])
    twice, _ = dpo_loss(
        logp.repeat(1, 1, 2, 1),
        ref.repeat(1, 1, 2, 1),
        mean.repeat(1, 1, 2, 1) / 2,
        share,
        beta=10.0,
    )
    assert twice.item() == pytest.approx(loss.item())


def test_a_pair_left_out_teaches_nothing():
    logp, *rest = pair([-0.9, -0.7], [-1.0, -1.2], share=0.0)
    loss, _ = dpo_loss(logp.requires_grad_(), *rest, beta=10.0)
    loss.backward()
    assert loss == 0
    assert (logp.grad == 0).all()


def test_best_and_worst_and_whether_they_differ():
    reward = torch.tensor([[0.5, 0.9, 0.1], [0.5, 0.505, 0.5]])
    found, kept = best_and_worst(reward, 0.01)
    assert found[0].tolist() == [1, 2]
    assert kept.tolist() == [True, False]
