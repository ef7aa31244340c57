"""The meta-metric as a reward: of the whole set, or of each rollout."""

import pytest
import torch

from simagents.errors import InputError
from simagents.metrics import Challenge, LogReference, rollout_statistics, score, score_singly
from simagents.rewards.realism import RealismReward


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


def test_a_scenes_reward_is_its_meta_metric_for_every_rollout(scenario, rollouts):
    reward = RealismReward(2025, "scene")([scenario], [rollouts])[0]
    expected = score(*statistics(scenario, rollouts)).metametric
    assert reward.shape == (1, 3)
    assert reward[0].tolist() == pytest.approx([expected.item()] * 3)


def test_a_rollouts_reward_is_what_it_scores_alone(scenario, rollouts):
    reward = RealismReward(2025, "rollout")([scenario], [rollouts])[0]
    for number, rollout in enumerate(rollouts):
        alone = score_singly(*statistics(scenario, rollout[None])).metametric
        assert reward[0, number].item() == pytest.approx(alone.item(), abs=1e-5)
    assert reward[0, 0] > reward[0, 1] > reward[0, 2]


def test_a_subgroups_reward_is_what_its_rollouts_score_together(scenario, rollouts):
    four = torch.cat([rollouts, rollouts[:1]])
    reward, parts = RealismReward(2025, "subgroup", 2)([scenario], [four])
    halves = [score(*statistics(scenario, half)).metametric.item() for half in four.split(2)]
    assert reward[0].tolist() == pytest.approx([halves[0], halves[0], halves[1], halves[1]])
    assert parts["collision_indication_likelihood"].shape == (1, 2)
    for size, mode in ((4, "scene"), (1, "rollout")):
        same = RealismReward(2025, mode)([scenario], [four])[0]
        assert torch.equal(RealismReward(2025, "subgroup", size)([scenario], [four])[0], same)


def test_rollouts_that_do_not_divide_are_refused(scenario, rollouts):
    with pytest.raises(InputError, match="3 rollouts cannot be scored in subgroups of 2"):
        RealismReward(2025, "subgroup", 2)([scenario], [rollouts])


def test_scenes_are_scored_one_by_one(scenario, rollouts, street, as_rollouts):
    other = street(speed=(3.0,))
    other = type(other)(**{**vars(other), "id": "another street"})
    theirs = as_rollouts(other, count=3, noise=0.2)
    reward = RealismReward(2025, "rollout")
    both, _ = reward([scenario, other], [rollouts, theirs])
    assert torch.equal(both[:1], reward([scenario], [rollouts])[0])
    assert torch.equal(both[1:], reward([other], [theirs])[0])


def test_the_year_matters_and_no_gradient_flows(scenario, rollouts):
    of = {year: RealismReward(year, "scene")([scenario], [rollouts])[0] for year in (2023, 2025)}
    assert of[2023][0, 0] != of[2025][0, 0]
    reward, parts = RealismReward(2025, "scene")([scenario], [rollouts.requires_grad_()])
    assert not any(number.requires_grad for number in (reward, *parts.values()))


def test_an_unknown_mode_is_named():
    with pytest.raises(InputError, match="unknown key `scenes`; did you mean `scene`"):
        RealismReward(2025, "scenes")
