"""When scored agents collide or leave the road: by hand, and as the metric's rates count it."""

import numpy as np
import pytest
import torch

from simagents.metrics import Challenge, LogReference, rollout_statistics, score
from simagents.metrics.incidents import incidents_of
from simagents.scenarios.scenario import CURRENT


def put_onto_another(scenario, rollout):
    """A scored agent, one that never collides, stands where another one does from step 20 to 29."""
    seen = scenario.valid[scenario.simulated, CURRENT + 1 :]
    scored = np.searchsorted(scenario.simulated, scenario.evaluated)
    before = incidents_of(scenario, rollout).collision[0]
    agent = next(one for one in scored if seen[one].all() and not before[one].any())
    other = next(one for one in range(len(seen)) if one != agent)
    moved = rollout.copy()
    moved[0, agent, 20:30] = rollout[0, other, 20:30]
    return agent, moved


@pytest.fixture
def logged(scenarios):
    """A scene and its log as one rollout: agents stay at their last place when the log loses them."""
    scenario = scenarios[0]
    rows = scenario.simulated
    poses = np.concatenate([scenario.position[rows], scenario.heading[rows, :, None]], axis=-1)
    for agent, row in enumerate(rows):
        for step in range(CURRENT + 1, poses.shape[1]):
            if not scenario.valid[row, step]:
                poses[agent, step] = poses[agent, step - 1]
    return scenario, poses[None, :, CURRENT + 1 :].astype(np.float32)


def test_an_agent_that_is_put_onto_another_collides_at_those_steps_alone(logged):
    """Steps count from 0; before and after, the log keeps it away from all others."""
    scenario, rollout = logged
    agent, moved = put_onto_another(scenario, rollout)
    collides = incidents_of(scenario, moved).collision[0, agent]
    assert np.flatnonzero(collides).tolist() == list(range(20, 30))


def test_an_agent_far_beyond_the_edge_is_off_the_road_while_the_log_sees_it(logged):
    """20 m to the left of where the log has it, some agent crosses an edge; nothing is said of others."""
    scenario, rollout = logged
    moved = rollout.copy()
    moved[..., 1] += 20
    incidents = incidents_of(scenario, moved)
    seen = scenario.valid[scenario.simulated, CURRENT + 1 :]
    scored = np.isin(scenario.simulated, scenario.evaluated)
    assert incidents.off_road.any()
    for happens in (incidents.off_road, incidents.collision):
        assert not happens[:, ~scored].any()
        assert not happens[0, ~seen].any()


def test_marks_add_up_to_the_rates_of_the_metric(logged):
    """Of rollouts that drift more and more, and one with a collision, the share of marked agents is
    the official rate."""
    scenario, rollout = logged
    drift = np.linspace(0, 1, 80, dtype=np.float32) * np.arange(4, dtype=np.float32)[:, None] * 6
    rollouts = rollout.repeat(4, axis=0)
    rollouts[..., 0] += drift[:, None]
    rollouts[..., 1] -= drift[:, None] / 2
    rollouts[0] = put_onto_another(scenario, rollout)[1]
    incidents = incidents_of(scenario, rollouts)
    reference = LogReference.of(scenario, Challenge.of(2025))
    numbers = score(reference, rollout_statistics(reference, torch.from_numpy(rollouts))).numbers()
    judged = 4 * len(scenario.evaluated)
    for happens, rate in (
        (incidents.collision, "simulated_collision_rate"),
        (incidents.off_road, "simulated_offroad_rate"),
    ):
        assert 0 < happens.any(axis=-1).sum() / judged == pytest.approx(numbers[rate], abs=1e-6)
