"""Heuristic rewards are minus weighted sums of what evaluation reports."""

import pytest
import torch

from simagents.algorithms.credit import Evidence, credit_of
from simagents.config.credit import Rloo
from simagents.config.keys import read_as
from simagents.config.rewards import Penalties
from simagents.errors import InputError
from simagents.metrics import Challenge, LogReference, rollout_statistics, score_singly
from simagents.rewards.reward import build_reward

WEIGHTS = {"collision": 1.0, "offroad": 1.0, "displacement": 0.1}


@pytest.fixture
def scenario(street):
    """Two cars, five metres apart across the street."""
    return street(start=((0.0, 0.0), (20.0, 3.0)), speed=(10.0, 8.0), types=(1, 1))


def shifted(log, agent, across):
    """The log's rollout with one agent moved sideways."""
    rollout = log.clone()
    rollout[:, agent, :, 1] += across
    return rollout


def reward_of(**weights):
    return build_reward(Penalties(kind="penalties", **{**dict.fromkeys(WEIGHTS, 0.0), **weights}))


def by_rollout(rewards):
    return rewards.total[:, :, 0, 0]


def test_displacement_by_hand(scenario, as_rollouts):
    """One of two agents 3 m aside at 80 of 91 steps, since the history counts: 3 · 80 / 91 / 2."""
    log = as_rollouts(scenario)
    rollouts = torch.cat([log, shifted(log, 0, -3.0)])
    reward = by_rollout(reward_of(displacement=1.0)([scenario], [rollouts]))
    assert reward[0].tolist() == pytest.approx([0.0, -3 * 80 / 91 / 2], abs=1e-4)


def test_leaving_the_road_counts_each_agent_once(scenario, as_rollouts):
    log = as_rollouts(scenario)
    rollouts = torch.cat(
        [log, shifted(log, 0, -200.0), shifted(shifted(log, 0, -200.0), 1, -400.0)]
    )
    reward = by_rollout(reward_of(offroad=2.0)([scenario], [rollouts]))
    assert reward[0].tolist() == pytest.approx([0.0, -1.0, -2.0])


def test_terms_add_up_to_what_evaluation_reports(scenario, as_rollouts):
    rollouts = torch.cat([as_rollouts(scenario, noise=noise) for noise in (0.0, 0.5, 5.0)])
    reference = LogReference.of(scenario, Challenge.of(2025))
    scores = score_singly(reference, rollout_statistics(reference, rollouts))
    expected = -(
        scores.simulated_collision_rate
        + scores.simulated_offroad_rate
        + 0.1 * scores.average_displacement_error
    )
    reward = reward_of(**WEIGHTS)
    rewards = reward([scenario], [rollouts])
    assert torch.allclose(by_rollout(rewards)[0], expected)
    assert set(rewards.terms) == {
        "simulated_collision_rate", "simulated_offroad_rate", "average_displacement_error",
    }  # fmt: skip
    assert not reward.scores_sets
    assert torch.equal(reward([scenario], [rollouts], without=True).total, rewards.total)


def test_the_better_rollout_has_the_larger_credit(scenario, as_rollouts):
    log = as_rollouts(scenario)
    rollouts = torch.cat([shifted(log, 0, -3.0), log])
    rewards = reward_of(displacement=1.0)([scenario], [rollouts])
    advantage = credit_of(Rloo(rule="rloo"), Evidence(rewards.total, 16)).advantage[0, :, 0, 0]
    assert advantage[1] > 0 > advantage[0]


def test_a_reward_without_weights_and_a_typo_are_refused():
    with pytest.raises(InputError, match="all three weights are 0"):
        read_as(Penalties, {"kind": "penalties", **dict.fromkeys(WEIGHTS, 0.0)}, "reward")
    with pytest.raises(InputError, match="did you mean `offroad`"):
        read_as(Penalties, {"kind": "penalties", "offraod": 1.0, **WEIGHTS}, "reward")
