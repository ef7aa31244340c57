"""Simulators that learn nothing, by hand."""

import numpy as np
import pytest
import torch

from simagents.models.batch import logged_paths
from simagents.models.distribution import Sampling
from simagents.simulation.baselines import RandomTokens, constant_velocity, log_playback
from simagents.simulation.choice import DrawKeys, Sample
from simagents.simulation.rollout import roll_out


def test_constant_velocity_by_hand(street):
    """From x = 10 at step 10, at 3 m/s sideways and 5 m/s ahead, whatever the log did afterwards."""
    scenario = street()
    scenario.velocity[0, 10] = 5, 3
    scenario.heading[0, 10] = 0.4
    scenario.position[0, 11:] = 999
    found = constant_velocity(scenario, 3)
    assert found.shape == (3, 1, 80, 4)
    assert found.dtype == np.float32
    for rollout in found:
        assert rollout[0, 0] == pytest.approx([10.5, 0.3, 0.75, 0.4])
        assert rollout[0, -1] == pytest.approx([50, 24, 0.75, 0.4])


def test_log_playback_by_hand(street):
    """10 m/s to the east; where the log lost the car it stands, and it moves on when seen again."""
    scenario = street()
    scenario.valid[0, 50:60] = False
    scenario.valid[0, 80:] = False
    scenario.position[0, ~scenario.valid[0]] = 0
    x = log_playback(scenario, 2)[1, 0, :, 0]
    assert x[:39] == pytest.approx(np.arange(11, 50))
    assert x[39:49] == pytest.approx(49)
    assert x[49:69] == pytest.approx(np.arange(60, 80))
    assert x[69:] == pytest.approx(79)


def test_log_playback_is_the_log(scenarios):
    for scenario in scenarios:
        rows = scenario.simulated
        found = log_playback(scenario, 1)[0]
        seen = scenario.valid[rows, 11:]
        assert np.array_equal(found[seen][:, :3], scenario.position[rows, 11:][seen])
        assert np.array_equal(found[seen][:, 3], scenario.heading[rows, 11:][seen])


def test_random_tokens_are_equally_likely_within_their_class(batch, vocabulary):
    policy = RandomTokens(vocabulary)
    logits = policy(batch, logged_paths(batch)).logits
    assert logits.shape == (len(batch.agent_class), 16, vocabulary.size)
    chances = logits.softmax(dim=-1)
    count = vocabulary.count[batch.agent_class].float()
    assert torch.allclose(chances.amax(dim=-1), (1 / count)[:, None].expand(-1, 16))
    done = roll_out(
        policy, batch, 2, lambda p: Sample(DrawKeys(0, ["a", "b", "c"], batch, p), Sampling(0, 1.0))
    )
    future = done.paths.token[:, 2:]
    assert (future < vocabulary.count[batch.agent_class[done.paths.agent], None]).all()
    assert len(future.unique()) > 20
