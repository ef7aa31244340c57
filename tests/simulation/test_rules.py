"""Simulators that learn nothing, by hand."""

import numpy as np
import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.models.scenes import collate
from simagents.models.smart.random_tokens import RandomTokens
from simagents.models.smart.token_policy import logged_paths
from simagents.simulation.choice import Sample
from simagents.simulation.controller import Assignment
from simagents.simulation.intelligent_driver import IntelligentDriver
from simagents.simulation.rollout import roll_out
from simagents.simulation.rules import RULES, Braking, ConstantVelocity, LogPlayback, StandStill
from simagents.simulation.simulator import simulate


def moved_by(controller, scenario, rollouts):
    """All agents of one scenario by one rule: [R, A, 80, 4]."""
    scenes = collate([scenario])
    everyone = torch.ones(len(scenes.agent_scene), dtype=torch.bool)
    return simulate(scenes, rollouts, [Assignment(controller, everyone)])[0].numpy()


def test_constant_velocity_by_hand(street):
    """From x = 10 at step 10, at 3 m/s sideways and 5 m/s ahead, whatever the log did afterwards."""
    scenario = street()
    scenario.velocity[0, 10] = 5, 3
    scenario.heading[0, 10] = 0.4
    scenario.position[0, 11:] = 999
    rollouts = moved_by(ConstantVelocity(), scenario, 3)
    assert rollouts.shape == (3, 1, 80, 4)
    assert rollouts.dtype == np.float32
    for rollout in rollouts:
        assert rollout[0, 0] == pytest.approx([10.5, 0.3, 0.75, 0.4])
        assert rollout[0, -1] == pytest.approx([50, 24, 0.75, 0.4])


def test_standing_still_by_hand(street):
    """At x = 10, where the car is at the current step, for 8 s."""
    rollout = moved_by(StandStill(), street(), 2)[1, 0]
    assert rollout == pytest.approx(np.tile([10, 0, 0.75, 0], (80, 1)))


def test_braking_by_hand(street):
    """From 10 m/s at 4 m/s²: 8 m after 1 s, at rest after 2.5 s and 12.5 m. A car at 0 m/s stays."""
    scenario = street()
    scenario.velocity[0, 10] = 6, 8
    rollout = moved_by(Braking(), scenario, 1)[0, 0]
    ahead = np.hypot(rollout[:, 0] - 10, rollout[:, 1])
    assert ahead[9] == pytest.approx(8, abs=1e-4)
    assert ahead[24:] == pytest.approx(12.5, abs=1e-4)
    assert rollout[-1, :2] == pytest.approx([10 + 7.5, 10], abs=1e-4)
    assert (moved_by(Braking(), street(), 1) == moved_by(StandStill(), street(), 1)).all()


def test_log_playback_by_hand(street):
    """10 m/s to the east; where the log lost the car it stands, and it moves on when seen again."""
    scenario = street()
    scenario.valid[0, 50:60] = False
    scenario.valid[0, 80:] = False
    scenario.position[0, ~scenario.valid[0]] = 0
    x = moved_by(LogPlayback(), scenario, 2)[1, 0, :, 0]
    assert x[:39] == pytest.approx(np.arange(11, 50))
    assert x[39:49] == pytest.approx(49)
    assert x[49:69] == pytest.approx(np.arange(60, 80))
    assert x[69:] == pytest.approx(79)


def test_log_playback_is_the_log_to_the_last_bit(scenarios):
    for scenario in scenarios:
        rows = scenario.simulated
        rollout = moved_by(LogPlayback(), scenario, 1)[0]
        seen = scenario.valid[rows, 11:]
        assert np.array_equal(rollout[seen][:, :3], scenario.position[rows, 11:][seen])
        assert np.array_equal(rollout[seen][:, 3], scenario.heading[rows, 11:][seen])


def test_random_tokens_are_equally_likely_within_their_class(batch, vocabulary):
    policy = RandomTokens(vocabulary)
    logits = policy(batch, logged_paths(batch)).logits
    assert logits.shape == (len(batch.agent_class), 16, vocabulary.size)
    chances = logits.softmax(dim=-1)
    count = vocabulary.count[batch.agent_class].float()
    assert torch.allclose(chances.amax(dim=-1), (1 / count)[:, None].expand(-1, 16))
    everything = Sampling(top_k=0, temperature=1.0)
    sampled = roll_out(policy, batch, 2, lambda draws: Sample(draws, everything))
    future = sampled.paths.action[:, 2:]
    assert (future < vocabulary.count[batch.agent_class[sampled.paths.agent], None]).all()
    assert len(future.unique()) > 20


def test_the_rule_that_draws_has_its_seed_and_rollouts():
    assert RULES["intelligent_driver"](3, 2) == IntelligentDriver(seed=3, rollouts=2)
