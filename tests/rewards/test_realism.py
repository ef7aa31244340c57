"""The meta-metric as a reward: of the whole set, or of each rollout."""

import pytest
import torch

from simagents.config.keys import read_as
from simagents.config.rewards import Realism
from simagents.errors import InputError
from simagents.metrics import Challenge, LogReference, rollout_statistics, score, score_singly
from simagents.rewards.reward import build_reward


@pytest.fixture
def scenario(street):
    return street(start=((0.0, 0.0), (20.0, 3.0)), speed=(10.0, 8.0), types=(1, 1))


@pytest.fixture
def rollouts(scenario, as_rollouts):
    """Rising noise from one rollout to the next: realism falls."""
    return torch.cat([as_rollouts(scenario, noise=noise) for noise in (0.0, 0.5, 5.0)])


def statistics(scenario, rollouts):
    reference = LogReference.of(scenario, Challenge.of(2025))
    return reference, rollout_statistics(reference, rollouts)


def reward_of(year=2025, **settings):
    return build_reward(Realism(kind="realism", challenge=year, **settings))


def by_rollout(rewards):
    return rewards.total[:, :, 0, 0]


def test_a_scenes_reward_is_its_meta_metric_for_every_rollout(scenario, rollouts):
    rewards = reward_of(scored="scene")([scenario], [rollouts])
    expected = score(*statistics(scenario, rollouts)).metametric
    assert rewards.total.shape == (1, 3, 1, 1)
    assert by_rollout(rewards)[0].tolist() == pytest.approx([expected.item()] * 3)


def test_a_rollouts_reward_is_what_it_scores_alone(scenario, rollouts):
    reward = by_rollout(reward_of(scored="rollout")([scenario], [rollouts]))
    for number, rollout in enumerate(rollouts):
        alone = score_singly(*statistics(scenario, rollout[None])).metametric
        assert reward[0, number].item() == pytest.approx(alone.item(), abs=1e-5)
    assert reward[0, 0] > reward[0, 1] > reward[0, 2]


def test_a_subgroups_reward_is_what_its_rollouts_score_together(scenario, rollouts):
    four = torch.cat([rollouts, rollouts[:1]])
    rewards = reward_of(scored="subgroup", subgroup=2)([scenario], [four])
    halves = [score(*statistics(scenario, half)).metametric.item() for half in four.split(2)]
    expected = [halves[0], halves[0], halves[1], halves[1]]
    assert by_rollout(rewards)[0].tolist() == pytest.approx(expected)
    assert rewards.terms["collision_indication_likelihood"].shape == (1, 2)
    for size, scored in ((4, "scene"), (1, "rollout")):
        same = reward_of(scored=scored)([scenario], [four]).total
        groups = reward_of(scored="subgroup", subgroup=size)([scenario], [four]).total
        assert torch.equal(groups, same)


def test_leave_one_out_rewards_are_what_the_others_score_together(scenario, rollouts):
    reward = reward_of(scored="scene")
    rewards = reward([scenario], [rollouts], without=True)
    for number in range(3):
        others = torch.cat([rollouts[:number], rollouts[number + 1 :]])
        expected = score(*statistics(scenario, others)).metametric.item()
        assert rewards.without[0, number].item() == pytest.approx(expected, abs=1e-6)
    assert torch.equal(rewards.total, reward([scenario], [rollouts]).total)
    assert rewards.terms["collision_indication_likelihood"].shape == (1, 1)
    assert reward([scenario], [rollouts]).without is None
    assert reward.scores_sets
    assert not reward_of(scored="rollout").scores_sets


def test_rollouts_that_do_not_divide_are_refused(scenario, rollouts):
    with pytest.raises(InputError, match="3 rollouts cannot be scored in subgroups of 2"):
        reward_of(scored="subgroup", subgroup=2)([scenario], [rollouts])


def test_scenes_are_scored_one_by_one(scenario, rollouts, street, as_rollouts):
    other = street(speed=(3.0,))
    other = type(other)(**{**vars(other), "id": "another street"})
    others = as_rollouts(other, count=3, noise=0.2)
    reward = reward_of(scored="rollout")
    both = reward([scenario, other], [rollouts, others]).total
    assert torch.equal(both[:1], reward([scenario], [rollouts]).total)
    assert torch.equal(both[1:], reward([other], [others]).total)


def test_the_year_matters_and_no_gradient_flows(scenario, rollouts):
    of = {y: reward_of(y, scored="scene")([scenario], [rollouts]).total for y in (2023, 2025)}
    assert of[2023][0, 0] != of[2025][0, 0]
    rewards = reward_of(scored="scene")([scenario], [rollouts.requires_grad_()])
    assert not any(number.requires_grad for number in (rewards.total, *rewards.terms.values()))


def test_unknown_settings_are_named():
    def read(**changes):
        content = {"kind": "realism", "challenge": 2025, "scored": "scene", **changes}
        return read_as(Realism, content, "reward")

    with pytest.raises(InputError, match="unknown value `scenes`; did you mean `scene`"):
        read(scored="scenes")
    for wrong in ({"scored": "subgroup"}, {"subgroup": 4}):
        with pytest.raises(InputError, match="`subgroup`"):
            read(**wrong)
