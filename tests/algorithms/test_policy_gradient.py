"""The composed loss: MPO, PPO and GRPO by hand, and the policy gradient they must be."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.algorithms.credit.constant import above
from simagents.algorithms.credit.gae import advantages
from simagents.algorithms.credit.scene_mean import relative
from simagents.algorithms.kl import k3
from simagents.algorithms.policy_gradient import policy_gradient_loss
from simagents.algorithms.surrogate import clipped_gain, on_policy_gain


def mpo(logp, ref, reward, weight, *, alpha=0.77, beta=0.04):
    gain = on_policy_gain(logp, above(reward, alpha=alpha))
    return policy_gradient_loss(gain, weight, divergence=k3(logp, ref), beta=beta)


def rollouts(reward, logp, ref=None):
    """One scene, one agent, one action: as many rollouts as there are rewards, all weighing alike."""
    shape = (1, len(reward), 1, 1)
    logp = torch.tensor(logp, dtype=torch.float64).view(shape)
    ref = logp if ref is None else torch.tensor(ref, dtype=torch.float64).view(shape)
    weight = torch.full(shape, 1 / len(reward), dtype=torch.float64)
    return logp, ref, torch.tensor(reward, dtype=torch.float64).view(shape), weight


def test_mpo_by_hand():
    """Rewards 0.8 and 0.7: advantages 0.03 and -0.07, their mean -0.02. The reference is e^-0.5 times
    as likely: k3 = 0.6065 + 0.5 - 1 = 0.1065, and the loss 0.02 + 0.04 * 0.1065 = 0.02426.
    """
    loss = mpo(*rollouts([0.8, 0.7], [-1.0, -1.0], [-1.5, -1.5]))
    assert loss.item() == pytest.approx(0.02426, abs=1e-5)


def test_grpo_by_hand():
    """Rewards 1, 3: advantages -1, +1. With ratio e^0.5 = 1.649 the gains are -1.649 and 1.2: the
    loss is 0.2244.
    """
    logp, old, reward, weight = rollouts([1.0, 3.0], [0.5, 0.5], [0.0, 0.0])
    advantage = relative(reward, divide_by_deviation=True)
    loss = policy_gradient_loss(clipped_gain(logp, old, advantage, 0.2)[0], weight)
    assert loss.item() == pytest.approx(0.2244, abs=1e-4)


def actions(*values):
    """One scene, one rollout, one agent."""
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


def test_ppo_by_hand():
    """Gains 1.2 and -1.649, mean -0.2244. Errors 0.25 and 1, halved and averaged: 0.3125. Divergence
    0.1: 0.004. In all 0.5409.
    """
    gain, _ = clipped_gain(actions(0.5, 0.5), actions(0, 0), actions(1, -1), 0.2)
    error = (actions(0.5, 0) - actions(1, 1)).square()
    loss = policy_gradient_loss(
        gain, actions(0.5, 0.5), divergence=actions(0.1, 0.1), beta=0.04, value_error=error,
        value_weight=0.5,
    )  # fmt: skip
    assert loss.item() == pytest.approx(0.2244 + 0.3125 + 0.004, abs=1e-4)


def test_the_value_learns_the_return_and_nothing_else():
    logp, value = actions(0.0, 0.0).requires_grad_(), actions(0.2, 0.8).requires_grad_()
    gain = on_policy_gain(logp, actions(0, 0))
    error = (value - actions(0.5, 0.5)).square()
    loss = policy_gradient_loss(gain, actions(0.5, 0.5), value_error=error, value_weight=0.5)
    loss.backward()
    assert value.grad.flatten().tolist() == pytest.approx([-0.15, 0.15])
    assert (logp.grad == 0).all()


def test_a_sum_counts_every_action_and_the_divergence_stays_a_mean():
    """Four actions of advantage 2 and divergence 0.3, β = 1: -8 + 0.3."""
    logp, weight = actions(0, 0, 0, 0), actions(*[0.25] * 4)
    gain = on_policy_gain(logp, actions(2, 2, 2, 2))
    divergence = actions(*[0.3] * 4)
    loss = policy_gradient_loss(gain, weight, scale=actions(4), divergence=divergence, beta=1.0)
    assert loss.item() == pytest.approx(-8 + 0.3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_at_the_reference_the_gradient_is_reinforce(reward, alpha, beta):
    """-(r - α) / N for the log-probability of each rollout's action; β does not matter."""
    logp, ref, rewards, weight = rollouts(reward, [-0.5] * len(reward))
    logp = logp.clone().requires_grad_()
    mpo(logp, ref, rewards, weight, alpha=alpha, beta=beta).backward()
    expected = -(rewards - alpha) / len(reward)
    assert torch.allclose(logp.grad, expected, atol=1e-12)


def test_ppo_at_first_and_without_clipping_is_reinforce_with_a_baseline():
    """π = π_old, γ = λ = 1, no whitening: -(r - V) ∇log π for every action."""
    generator = torch.manual_seed(0)
    logp, value = torch.randn(2, 3, 4, 2, 5, generator=generator, dtype=torch.float64)
    reward = torch.rand(3, 4, 2, 1, generator=generator, dtype=torch.float64)
    at_the_end = torch.cat([torch.zeros(3, 4, 2, 4, dtype=torch.float64), reward], dim=-1)
    advantage, _ = advantages(at_the_end, value, discount=1.0, gae_lambda=1.0)
    weight = torch.full_like(logp, 1 / logp.numel())
    logp = logp.requires_grad_()
    gain, _ = clipped_gain(logp, logp.detach(), advantage, torch.inf)
    (ours,) = torch.autograd.grad(policy_gradient_loss(gain, weight), logp)
    (expected,) = torch.autograd.grad(-(weight * (reward - value) * logp).sum(), logp)
    assert torch.allclose(ours, expected, atol=1e-15)


def test_the_penalty_pulls_back_to_the_reference():
    """An action that became likelier than under the reference is made less likely, and vice versa."""
    logp, ref, rewards, weight = rollouts([0.77, 0.77], [-0.5, -1.5], [-1.0, -1.0])
    logp = logp.clone().requires_grad_()
    mpo(logp, ref, rewards, weight).backward()
    up, down = -logp.grad.flatten()
    assert up < 0 < down


@pytest.mark.parametrize("alpha", [0.0, 0.77])
def test_over_all_actions_it_is_the_gradient_of_the_mean_reward(alpha):
    """A scene with three actions, enumerated: sum p(action) * grad loss(action) = -grad E[r], exactly,
    and whatever α: a constant baseline does not bias.
    """
    logits = torch.tensor([0.3, -0.8, 1.1], dtype=torch.float64, requires_grad=True)
    reward = torch.tensor([0.9, 0.2, 0.6], dtype=torch.float64)
    logp = logits.log_softmax(-1)
    total = 0.0
    for action in range(3):
        chosen = logp[action].view(1, 1, 1, 1)
        ones = torch.ones_like(chosen)
        loss = mpo(
            chosen, chosen.detach(), reward[action].view(1, 1, 1, 1), ones, alpha=alpha, beta=0.0
        )
        total = total + logp[action].exp().detach() * loss
    (ours,) = torch.autograd.grad(total, logits, retain_graph=True)
    (expected,) = torch.autograd.grad((logp.exp() * reward).sum(), logits)
    assert expected.abs().max() > 0.05
    assert torch.allclose(ours, -expected, rtol=0, atol=1e-12)


def test_actions_of_weight_zero_do_not_count():
    """As the padding of smaller scenes is: a log-probability of 0 and no weight."""
    logp, ref, rewards, weight = rollouts([0.9, 0.1], [-1.0, 0.0], [-1.2, 0.0])
    weight[0, 1] = 0
    logp = logp.clone().requires_grad_()
    loss = mpo(logp, ref, rewards, weight)
    alone = mpo(logp[:, :1], ref[:, :1], rewards[:, :1], weight[:, :1])
    assert loss.item() == alone.item()
    loss.backward()
    assert logp.grad[0, 1].item() == 0
