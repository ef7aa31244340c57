"""The reward of displacement and collisions, agent by agent and step by step."""

from dataclasses import replace

import pytest
import torch

from simagents.config.rewards import Displacement
from simagents.rewards.reward import build_reward


def reward_of(collision):
    return build_reward(Displacement(kind="displacement", collision=collision))


@pytest.fixture
def scenario(street):
    """Two cars of 4 x 2 m at one speed, the second five metres ahead of the first and 3 m to its left."""
    return street(start=((0.0, 0.0), (5.0, 3.0)), speed=(10.0, 10.0), types=(1, 1))


def moved(log, agent, x, y, since):
    rollout = log.clone()
    rollout[:, agent, since:, 0] += x
    rollout[:, agent, since:, 1] += y
    return rollout


def test_by_hand(scenario, as_rollouts):
    """In the second rollout the first car is 3 m ahead and 4 m to the left of its log from the 41st step
    on: 5 m away, and 2 m behind and 1 m beside the other, so that both collide, at λ = 2 for 2 m."""
    log = as_rollouts(scenario)
    rewards = reward_of(2.0)([scenario], [torch.cat([log, moved(log, 0, 3.0, 4.0, 40)])])
    assert rewards.total.shape == (1, 2, 2, 80)
    assert torch.allclose(rewards.total[0, 0], torch.zeros(2, 80), atol=1e-5)
    assert torch.allclose(rewards.total[0, 1, :, :40], torch.zeros(2, 40), atol=1e-5)
    assert torch.allclose(rewards.total[0, 1, 0, 40:], torch.tensor(-7.0), atol=1e-5)
    assert torch.allclose(rewards.total[0, 1, 1, 40:], torch.tensor(-2.0), atol=1e-5)
    assert rewards.terms["displacement"][0].tolist() == pytest.approx([0.0, 5 / 4], abs=1e-5)
    assert rewards.terms["collision"][0].tolist() == [0.0, 0.5]
    assert not reward_of(2.0).scores_sets


def test_without_a_weight_collisions_cost_nothing(scenario, as_rollouts):
    rollout = moved(as_rollouts(scenario), 0, 3.0, 4.0, 0)
    total = reward_of(0.0)([scenario], [rollout]).total
    assert total[0, 0, 0].tolist() == pytest.approx([-5.0] * 80, abs=1e-5)
    assert total[0, 0, 1].abs().max() < 1e-5


def test_where_the_log_does_not_see_an_agent_there_is_no_reward_and_the_others_may_collide(
    scenario, as_rollouts
):
    """The first car is unseen from step 31 on; it drives into the second one, which still counts."""
    valid = scenario.valid.copy()
    valid[0, 31:] = False
    rollout = moved(as_rollouts(scenario), 0, 3.0, 4.0, 0)
    rewards = reward_of(2.0)([replace(scenario, valid=valid)], [rollout])
    assert rewards.counted.shape == (1, 1, 2, 80)
    assert rewards.counted[0, 0].sum(dim=-1).tolist() == [20, 80]
    assert (rewards.total[0, 0, 0, 20:] == 0).all()
    assert torch.allclose(rewards.total[0, 0, 1], torch.tensor(-2.0), atol=1e-5)
    counted = (20 * 7 + 80 * 2) / 100
    assert rewards.by_rollout(torch.tensor([2]))[0, 0].item() == pytest.approx(-counted, abs=1e-5)


def test_scenes_of_a_batch_are_what_they_are_alone(scenarios, as_rollouts):
    rollouts = [as_rollouts(one, count=2, noise=1.0) for one in scenarios]
    reward = reward_of(3.0)
    together = reward(scenarios, rollouts)
    for number, (one, simulated) in enumerate(zip(scenarios, rollouts, strict=True)):
        alone = reward([one], [simulated])
        agents = alone.total.shape[2]
        assert torch.equal(together.total[number, :, :agents], alone.total[0])
        assert not together.counted[number, :, agents:].any()
        assert torch.equal(together.terms["collision"][number], alone.terms["collision"][0])
