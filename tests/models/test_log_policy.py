"""The log as actions of any action space, by hand."""

import numpy as np
import pytest
import torch

from simagents.models.log_policy import LogPolicy
from simagents.models.paths import Motion, Worlds
from simagents.models.scenes import collate
from simagents.scenarios.scenario import AgentType


class Strides:
    """Whole multiples of two metres to the east, each for half a second."""

    log_steps = 5

    def step(self, state, action):
        steps = torch.arange(1, 6) / 5 * action.float()[:, None]
        pose = state.pose[:, None].repeat(1, 5, 1)
        pose[:, :, 0] += steps
        return Motion(pose, (pose[:, -1, :2] - state.pose[:, :2]) / 0.5)

    def nearest(self, state, goal, among=None):
        return 2 * ((goal[:, 0] - state.pose[:, 0]) / 2).round().long()


class Walker(LogPolicy):
    """The part of a policy that is tested."""

    actions = Strides()
    history = 2


@pytest.fixture
def paths_of():
    def make(scenario, policy=None):
        return (policy or Walker()).logged_paths(collate([scenario]))

    return make


def test_each_action_starts_where_the_ones_before_it_have_led(street, paths_of):
    """At 6 m/s the log moves 3 m in half a second: strides of 4 and 2 m in turn stay within 1 m.
    From the first, 3 / 2 = 1.5 strides round to 2. Velocities are those of the strides, but at the current
    step, after the second, that of the log, which this street leaves at 0."""
    paths = paths_of(street(speed=(6.0,)))
    assert paths.action.tolist() == [[4, 2] * 9]
    assert (paths.pose[0, :, 0] - paths.pose[0, 0, 0]).tolist() == [0, *np.cumsum([2, 4] * 9)[:17]]
    assert paths.velocity[0, :4, 0].tolist() == [8.0, 0.0, 8.0, 4.0]
    assert paths.valid.all()


def test_at_the_current_step_an_agent_is_where_the_log_has_it(street, paths_of):
    """At 5 m/s the log moves 2.5 m in half a second: 1.25 strides round to one of 2 m, and the 3 m that are
    left to one of 4 m (1.5 rounds to 2). They end 1 m beyond the log, and the path goes on from the log."""
    paths = paths_of(street(speed=(5.0,)))
    assert paths.action[0, :3].tolist() == [2, 4, 2]
    assert paths.pose[0, :3, 0].tolist() == pytest.approx([-3.0, 0.0, 2.0], abs=1e-5)


def test_after_a_gap_an_agent_starts_from_its_logged_state(street, paths_of):
    """Log step 40 lies between actions 7 and 8, counted from 0: both have an end that nobody saw."""
    scenario = street(speed=(6.0,))
    scenario.valid[0, 40] = False
    paths = paths_of(scenario)
    assert paths.valid[0].logical_not().nonzero().flatten().tolist() == [7, 8]
    assert paths.action[0, 7:11].tolist() == [0, 0, 4, 2]
    logged = (scenario.position[0, 45, 0] - scenario.position[0, 10, 0]).item()
    assert paths.pose[0, 8, 0].item() == pytest.approx(logged)


def test_training_does_not_look_beyond_150_metres(street):
    scenario = street(((0.0, 0.0), (0.0, 151.0)), (6.0, 6.0), (AgentType.VEHICLE,) * 2)
    scenes, policy = collate([scenario]), Walker()
    assert policy.logged_paths(scenes).valid.all(dim=1).tolist() == [True, False]
    history = policy.history_paths(scenes, Worlds.of(scenes, 2))
    assert history.action.shape == (4, 2)
    assert history.valid.all()
    assert history.agent.tolist() == [0, 1, 0, 1]


def test_a_history_longer_than_the_log_has_is_an_error(street, paths_of):
    policy = Walker()
    policy.history = 3
    with pytest.raises(ValueError, match="more than the ten log steps"):
        paths_of(street(), policy)
