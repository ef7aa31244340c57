"""MPO against numbers worked out by hand, and against the policy gradient it must be."""

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from simagents.algorithms.mpo import mpo_loss as loss_with

from simagents.algorithms.kl import k3


def mpo_loss(logp, ref, *rest, **coefficients):
    return loss_with(logp, k3(logp, ref), *rest, **coefficients)


loss_of = partial(mpo_loss, alpha=0.77, beta=0.04)


def rollouts(reward, logp, ref=None):
    """One scene, one agent, one token: as many rollouts as there are rewards, all weighing alike."""
    shape = (1, len(reward), 1, 1)
    logp = torch.tensor(logp, dtype=torch.float64).view(shape)
    ref = logp if ref is None else torch.tensor(ref, dtype=torch.float64).view(shape)
    weight = torch.full(shape, 1 / len(reward), dtype=torch.float64)
    return logp, ref, torch.tensor([reward], dtype=torch.float64), weight


def test_by_hand():
    """Rewards 0.8 and 0.7: advantages 0.03 and -0.07, their mean -0.02. The reference is e^-0.5 times
    as likely: k3 = 0.6065 + 0.5 - 1 = 0.1065, and the loss 0.02 + 0.04 * 0.1065 = 0.02426.
    """
    loss, stats = loss_of(*rollouts([0.8, 0.7], [-1.0, -1.0], [-1.5, -1.5]))
    assert loss.item() == pytest.approx(0.02426, abs=1e-5)
    assert stats["advantage"].item() == pytest.approx(-0.02)
    assert stats["positive"].item() == pytest.approx(0.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_at_the_reference_the_gradient_is_reinforce(reward, alpha, beta):
    """-(r - alpha) / N for the log-probability of each rollout's token; beta has no say."""
    logp, ref, rewards, weight = rollouts(reward, [-0.5] * len(reward))
    logp = logp.clone().requires_grad_()
    loss, _ = mpo_loss(logp, ref, rewards, weight, alpha=alpha, beta=beta)
    loss.backward()
    expected = -(rewards - alpha) / len(reward)
    assert torch.allclose(logp.grad.flatten(), expected.flatten(), atol=1e-12)


def test_the_penalty_pulls_back_to_the_reference():
    """A token that became likelier than under the reference is made less likely, and vice versa."""
    logp, ref, rewards, weight = rollouts([0.77, 0.77], [-0.5, -1.5], [-1.0, -1.0])
    logp = logp.clone().requires_grad_()
    loss_of(logp, ref, rewards, weight)[0].backward()
    up, down = -logp.grad.flatten()
    assert up < 0 < down


@pytest.mark.parametrize("alpha", [0.0, 0.77])
def test_over_all_tokens_it_is_the_gradient_of_the_mean_reward(alpha):
    """A scene with three tokens, enumerated: sum p(token) * grad loss(token) = -grad E[r], exactly,
    and whatever alpha: a constant baseline does not bias.
    """
    logits = torch.tensor([0.3, -0.8, 1.1], dtype=torch.float64, requires_grad=True)
    reward = torch.tensor([0.9, 0.2, 0.6], dtype=torch.float64)
    logp = logits.log_softmax(-1)
    total = 0.0
    for token in range(3):
        chosen = logp[token].view(1, 1, 1, 1)
        ones = torch.ones_like(chosen)
        loss, _ = mpo_loss(
            chosen, chosen.detach(), reward[token].view(1, 1), ones, alpha=alpha, beta=0.0
        )
        total = total + logp[token].exp().detach() * loss
    (ours,) = torch.autograd.grad(total, logits, retain_graph=True)
    (theirs,) = torch.autograd.grad((logp.exp() * reward).sum(), logits)
    assert theirs.abs().max() > 0.05
    assert torch.allclose(ours, -theirs, rtol=0, atol=1e-12)


def test_the_reference_and_the_reward_get_no_gradient():
    logp, ref, rewards, weight = rollouts([0.9], [-1.0], [-1.2])
    rewards.requires_grad_(False)
    logp, loss = logp.clone().requires_grad_(), None
    loss, stats = loss_of(logp, ref, rewards, weight)
    loss.backward()
    assert not any(value.requires_grad for value in stats.values())


def test_tokens_of_weight_zero_do_not_count():
    """As the padding of smaller scenes is: a log-probability of 0 and no weight."""
    logp, ref, rewards, weight = rollouts([0.9, 0.1], [-1.0, 0.0], [-1.2, 0.0])
    weight[0, 1] = 0
    logp = logp.clone().requires_grad_()
    loss, _ = loss_of(logp, ref, rewards, weight)
    alone, _ = loss_of(logp[:, :1], ref[:, :1], rewards[:, :1], weight[:, :1])
    assert loss.item() == alone.item()
    loss.backward()
    assert logp.grad[0, 1].item() == 0
