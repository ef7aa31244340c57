"""The unicycle, by hand and by properties."""

from math import cos, pi, sin

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.models.paths import AgentState
from simagents.models.traffic_bots.actions import LIMITS, UnicycleActions, logged_controls

ACTIONS = UnicycleActions()
angles = st.floats(-3.0, 3.0)


def state(heading=0.0, speed=10.0, agent_class=0, at=(0.0, 0.0)):
    pose = torch.tensor([[*at, heading]], dtype=torch.float64)
    velocity = speed * torch.tensor([[cos(heading), sin(heading)]], dtype=torch.float64)
    return AgentState(pose, velocity, torch.ones(1, 3), torch.tensor([agent_class]))


def action(*numbers):
    return torch.tensor([numbers], dtype=torch.float64)


def test_an_action_by_hand():
    """From 10 m/s with 2 m/s² and 1 rad/s: (10 + 2 x 0.1 / 2) x 0.1 = 1.01 m along the heading of
    1 x 0.1 / 2 = 0.05 rad; then 10.2 m/s at 0.1 rad."""
    motion = ACTIONS.step(state(), action(2.0, 1.0))
    assert motion.pose[0, 0].tolist() == pytest.approx([1.01 * cos(0.05), 1.01 * sin(0.05), 0.1])
    assert motion.velocity[0].tolist() == pytest.approx([10.2 * cos(0.1), 10.2 * sin(0.1)])


@pytest.mark.parametrize("agent_class", range(3))
def test_beyond_its_limits_an_action_acts_as_the_limit(agent_class):
    """Vehicles 5 m/s² and 1.5 rad/s, pedestrians 7 and 7, cyclists 6 and 3."""
    assert LIMITS == ((5.0, 1.5), (7.0, 7.0), (6.0, 3.0))
    most = action(*LIMITS[agent_class])
    for sign in (-1, 1):
        at_limit = ACTIONS.step(state(agent_class=agent_class), sign * most)
        beyond = ACTIONS.step(state(agent_class=agent_class), sign * (most + 100))
        assert torch.equal(at_limit.pose, beyond.pose)
        assert torch.equal(at_limit.velocity, beyond.velocity)


def test_brakes_bring_an_agent_to_a_stand_and_then_back():
    """0.4 m/s less 5 m/s² x 0.1 s is -0.1 m/s: the published unicycle has no brake that holds."""
    motion = ACTIONS.step(state(speed=0.4), action(-5.0, 0.0))
    assert motion.velocity[0, 0].item() == pytest.approx(-0.1)
    assert motion.pose[0, 0, 0].item() == pytest.approx((0.4 - 0.25) * 0.1)


def test_what_moves_across_the_heading_is_lost():
    sliding = AgentState(
        torch.zeros(1, 3), torch.tensor([[3.0, 4.0]]), torch.ones(1, 3), torch.tensor([0])
    )
    assert ACTIONS.step(sliding, torch.zeros(1, 2)).velocity.tolist() == [[3.0, 0.0]]


@given(angles, st.floats(-5, 20), st.floats(-4.9, 4.9), st.floats(-1.4, 1.4))
def test_the_nearest_action_is_the_one_that_led_there(heading, speed, acceleration, turn):
    before, taken = state(heading, speed), action(acceleration, turn)
    goal = ACTIONS.step(before, taken).pose[:, -1]
    assert ACTIONS.nearest(before, goal)[0].tolist() == pytest.approx(taken[0].tolist(), abs=1e-6)


def test_the_nearest_of_some_actions_ends_nearest():
    """To 1 m ahead, from standing: the hardest of three accelerations, though all are too weak."""
    among = torch.tensor([[[1.0, 0.0], [5.0, 0.0], [-5.0, 0.0]]], dtype=torch.float64)
    goal = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    assert ACTIONS.nearest(state(speed=0.0), goal, among).tolist() == [[5.0, 0.0]]


@given(angles, st.lists(st.tuples(st.floats(-5, 5), st.floats(-1.5, 1.5)), min_size=1, max_size=6))
def test_a_log_of_the_unicycle_has_its_controls(heading, taken):
    now = state(heading)
    poses, velocities = [now.pose], [now.velocity]
    for one in taken:
        motion = ACTIONS.step(now, action(*one))
        now = AgentState(motion.pose[:, 0], motion.velocity, now.size, now.agent_class)
        poses.append(now.pose)
        velocities.append(now.velocity)
    path = torch.stack(poses, 1).float(), torch.stack(velocities, 1).float()
    controls = logged_controls(*path, now.agent_class)
    assert torch.allclose(controls[0], torch.tensor(taken), atol=1e-3)


def test_a_turn_over_the_back_is_a_small_one():
    """From pi - 0.05 to -pi + 0.05 are 0.1 rad in 0.1 s."""
    pose = torch.tensor([[[0.0, 0.0, pi - 0.05], [0.0, 0.0, -pi + 0.05]]])
    controls = logged_controls(pose, torch.zeros(1, 2, 2), torch.tensor([0]))
    assert controls[0, 0].tolist() == pytest.approx([0.0, 1.0], abs=1e-5)
