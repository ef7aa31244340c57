"""Credit rules by hand, what always holds of them, and whose gradient they have in expectation."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.algorithms.credit import Evidence, credit_of
from simagents.algorithms.credit.constant import above
from simagents.algorithms.credit.leave_one_out import added_by
from simagents.algorithms.credit.mloo import centred
from simagents.algorithms.credit.reward_to_go import to_go
from simagents.algorithms.credit.rloo import leave_one_out
from simagents.algorithms.credit.scene_mean import relative
from simagents.config.credit import (
    CREDITS,
    Constant,
    LeaveOneOut,
    Mloo,
    RewardToGo,
    Rloo,
    SceneMean,
)

rewards = st.lists(st.floats(-10, 10), min_size=2, max_size=6).map(
    lambda values: torch.tensor([values], dtype=torch.float64)
)


def test_every_rule_but_those_of_other_files_is_tested_here():
    here = {"constant", "scene_mean", "rloo", "mloo", "leave_one_out", "reward_to_go"}
    elsewhere = {"gae", "running_mean"}  # test_gae.py, tests/training/test_controls.py
    assert set(CREDITS.kinds) == here | elsewhere


def test_constant_by_hand():
    assert above(torch.tensor([0.8, 0.7]), alpha=0.77).tolist() == pytest.approx(
        [0.03, -0.07], abs=1e-6
    )


def test_scene_mean_by_hand():
    """Rewards 1, 3 have mean 2 and deviation 1; 1, 5 push twice as hard, and divided alike."""
    one, other = torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 5.0]])
    assert relative(one, divide_by_deviation=True)[0].tolist() == pytest.approx([-1, 1], abs=1e-5)
    assert relative(other, divide_by_deviation=True)[0].tolist() == pytest.approx([-1, 1], abs=1e-5)
    assert relative(other, divide_by_deviation=False)[0].tolist() == [-2, 2]


@pytest.mark.parametrize("divide", [True, False])
@given(rewards, st.floats(-5, 5))
def test_only_differences_in_reward_matter_within_a_scene(divide, reward, shift):
    one, moved = (relative(r, divide_by_deviation=divide) for r in (reward, reward + shift))
    assert torch.allclose(one, moved, rtol=1e-6, atol=1e-6)
    same = relative(torch.full_like(reward, 2.0), divide_by_deviation=divide)
    assert same.abs().max() == 0


def test_rloo_by_hand():
    """Rewards 1, 2, 6: 1 - 4, 2 - 3.5, 6 - 1.5."""
    assert leave_one_out(torch.tensor([[1.0, 2.0, 6.0]]))[0].tolist() == pytest.approx(
        [-3, -1.5, 4.5]
    )


def test_mloo_by_hand():
    """Without the first the metric falls to 0.5, without the second it rises to 0.7: mean 0.6."""
    assert centred(torch.tensor([[0.5, 0.7]]))[0].tolist() == pytest.approx([0.1, -0.1])


def test_leave_one_out_by_hand():
    metric, without = torch.full((1, 2), 0.62), torch.tensor([[0.5, 0.7]])
    assert added_by(metric, without)[0].tolist() == pytest.approx([0.12, -0.08])


@given(rewards)
def test_advantages_of_a_scene_add_up_to_zero(reward):
    for advantage in (leave_one_out(reward), centred(reward)):
        assert advantage.sum().item() == pytest.approx(0, abs=1e-9)


def test_reward_to_go_by_hand():
    """Rewards 1, 2, 4 at γ = 0.5: 1 + 1 + 1, 2 + 2, 4."""
    assert to_go(torch.tensor([1.0, 2.0, 4.0]), discount=0.5).tolist() == [3, 4, 4]


def test_rules_keep_the_axes_of_the_reward():
    """A reward of agents and actions has advantages of agents and actions; one of a rollout has not."""
    dense, whole = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 1, 1)
    without = torch.rand(2, 3)
    for settings in (Constant(rule="constant", alpha=0.5, divide_by=1.0), Rloo(rule="rloo")):
        assert credit_of(settings, Evidence(dense, 5)).advantage.shape == (2, 3, 4, 5)
        assert credit_of(settings, Evidence(whole, 5)).advantage.shape == (2, 3, 1, 1)
    for settings in (Mloo(rule="mloo"), LeaveOneOut(rule="leave_one_out")):
        assert credit_of(settings, Evidence(whole, 5, without)).advantage.shape == (2, 3, 1, 1)
    settings = RewardToGo(rule="reward_to_go", discount=1.0)
    assert credit_of(settings, Evidence(whole, 5)).advantage.shape == (2, 3, 1, 5)
    assert SceneMean(rule="scene_mean", divide_by_deviation=True).needs_others is False


# ---- expected gradients, by enumeration ------------------------------------------------------------

CHANCE = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)


def metric(drawn):
    """A metric of a set of rollouts that is no mean: the share of distinct ones, weighed by kind."""
    kinds = set(drawn)
    return sum((0.3, 0.9, 0.5)[kind] for kind in kinds) / len(drawn)


def expected_gradient(advantage_of, rollouts=3):
    """Σ over all sets of rollouts of their probability times Σ_i A_i ∇log π(τ_i), w.r.t. logits."""
    total = torch.zeros(3, dtype=torch.float64)
    for drawn in product(range(3), repeat=rollouts):
        whole = torch.full((1, rollouts), metric(drawn), dtype=torch.float64)
        others = [metric(drawn[:i] + drawn[i + 1 :]) for i in range(rollouts)]
        advantage = advantage_of(whole, torch.tensor([others], dtype=torch.float64))[0]
        score = torch.eye(3, dtype=torch.float64)[list(drawn)] - CHANCE
        probability = CHANCE[list(drawn)].prod()
        total += probability * (advantage[:, None] * score).sum(dim=0)
    return total


def gradient_of_expected_metric(rollouts):
    logits = CHANCE.log().requires_grad_()
    chance = logits.softmax(-1)
    expected = sum(
        chance[list(drawn)].prod() * metric(drawn) for drawn in product(range(3), repeat=rollouts)
    )
    return torch.autograd.grad(expected, logits)[0]


def test_leave_one_out_has_the_expected_gradient_of_mpo_whatever_alpha():
    """Both are ∇E[metric of all rollouts]: a constant, and the metric of the others, bias nothing."""
    exact = gradient_of_expected_metric(3)
    assert exact.abs().max() > 0.005
    assert torch.allclose(expected_gradient(added_by), exact)
    for alpha in (0.0, 0.77):
        mpo = expected_gradient(lambda whole, _, alpha=alpha: above(whole, alpha=alpha))
        assert torch.allclose(mpo, exact)


def test_mloo_has_the_gradient_of_the_metric_of_one_rollout_fewer():
    """RLFTSim, Prop. 1: Σ_i ∇log π(τ_i) A_i = ∇E[metric of N - 1 rollouts]."""
    mloo = expected_gradient(lambda _, without: centred(without))
    assert torch.allclose(mloo, gradient_of_expected_metric(2))
