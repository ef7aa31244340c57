"""The learner of forecasts."""

import pytest
import torch

from documented import LOGS
from simagents.errors import InputError
from simagents.geometry import to_local
from simagents.models.families import build_policy
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.forecasting import futures
from simagents.training.learners.registry import build_learner

FORECASTING = {"name": "forecasting", "likelihood": 1.0, "heading": 1.0, "choice": 1.0}


@pytest.fixture
def setting(disk, recipe_of, tiny_forecasts):
    """(learner, batch, policy)."""
    recipe = recipe_of(model=tiny_forecasts, algorithm=FORECASTING)
    policy = build_policy(recipe, None)
    batch = TrainingScenes(disk.scenarios, None, recipe)[[0, 1]]
    return build_learner(recipe, policy, policy, None), batch, policy


def test_futures_are_the_log_as_seen_from_each_moment(setting):
    _, batch, policy = setting
    log = policy.logged_paths(batch.scenes)
    truth, seen = futures(log, 16)
    start, ahead = log.history - 1 + 3, 4
    expected = to_local(log.pose[:, start + ahead], log.pose[:, start])
    torch.testing.assert_close(truth[:, 3, ahead - 1], expected)
    assert seen[:, 3, ahead - 1].equal(log.valid[:, start + ahead])
    assert not seen[:, 3, 13:].any()  # beyond the end of the log


def test_some_steps_bring_forecasts_nearer_to_the_log(setting):
    learner, batch, policy = setting
    total = float(learner.counts(batch))
    optimiser = torch.optim.Adam(policy.parameters(), 1e-2)
    stats = []
    for _ in range(20):
        loss, numbers = learner.loss(batch, total)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        stats.append(numbers)
    assert stats[0].keys() == set(LOGS["forecasting"].logs)
    assert stats[-1]["likelihood"] < stats[0]["likelihood"] - 0.3
    assert stats[-1]["distance_to_log"] < stats[0]["distance_to_log"]


def test_the_modes_of_every_member_learn(setting):
    learner, batch, policy = setting
    learner.loss(batch, float(learner.counts(batch)))[0].backward()
    for member in policy.members:
        assert all(weight.grad.abs().sum() > 0 for weight in member.head.parameters())


def test_a_family_that_makes_no_forecasts_is_refused(recipe_of, tiny, vocabulary):
    recipe = recipe_of(model=tiny, algorithm=FORECASTING)
    policy = build_policy(recipe, vocabulary)
    with pytest.raises(InputError, match="makes no forecasts"):
        build_learner(recipe, policy, policy, None)
