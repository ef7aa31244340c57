"""Accelerations on a grid, by hand and by properties."""

from math import atan2, cos, pi, sin

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simagents.errors import InputError
from simagents.models.motionlm.actions import ACTIONS, VerletActions, acceleration
from simagents.models.paths import AgentState

GRID = VerletActions()
angles = st.floats(-3.0, 3.0)
speeds = st.floats(-15.0, 15.0)


def state(velocity=(10.0, 0.0), heading=0.0, axis=0.0):
    return AgentState(
        torch.tensor([[0.0, 0.0, heading]]), torch.tensor([velocity]), torch.ones(1, 3),
        torch.tensor([0]), torch.tensor([axis]),
    )  # fmt: skip


def numbered(ahead, left):
    """The action of that acceleration in whole m/s²."""
    return torch.tensor([(ahead + 6) * 13 + left + 6])


def test_the_grid_has_whole_accelerations_from_minus_6_to_6():
    everything = acceleration(torch.arange(ACTIONS)).tolist()
    assert everything == [[x, y] for x in range(-6, 7) for y in range(-6, 7)]


def test_an_action_by_hand():
    """From 10 m/s ahead with 2 m/s² ahead and 1 m/s² to the left: 11 and 0.5 m/s after 0.5 s, which
    is 5.5 m ahead and 0.25 m to the left; a fifth of the way and of the turn after 0.1 s."""
    motion = GRID.step(state(), numbered(2, 1))
    assert motion.velocity[0].tolist() == pytest.approx([11.0, 0.5])
    turn = atan2(0.5, 11.0)
    assert motion.pose[0, -1].tolist() == pytest.approx([5.5, 0.25, turn], abs=1e-5)
    assert motion.pose[0, 0].tolist() == pytest.approx([1.1, 0.05, turn / 5], abs=1e-5)


def test_axes_are_those_of_the_scene():
    """In a scene that looks along y, 2 m/s² ahead act along y: from rest 1 m/s and 0.5 m."""
    motion = GRID.step(state((0.0, 0.0), axis=pi / 2), numbered(2, 0))
    assert motion.velocity[0].tolist() == pytest.approx([0.0, 1.0], abs=1e-6)
    assert motion.pose[0, -1, :2].tolist() == pytest.approx([0.0, 0.5], abs=1e-6)


def test_an_agent_slower_than_half_a_metre_a_second_keeps_its_heading():
    """1 m/s² to the left for 0.5 s is 0.5 m/s, which is not faster; with 2 m/s² it turns there."""
    slow, fast = (GRID.step(state((0.0, 0.0), heading=0.3), numbered(0, a)) for a in (1, 2))
    assert slow.pose[0, :, 2].tolist() == pytest.approx([0.3] * 5)
    assert fast.pose[0, -1, 2].item() == pytest.approx(pi / 2)


def test_headings_in_between_take_the_shorter_way():
    """From 3 rad to -3 rad are 0.28 rad over pi, not 6 rad back."""
    velocity = (10 * cos(-3.0), 10 * sin(-3.0))
    headings = GRID.step(state(velocity, heading=3.0), numbered(0, 0)).pose[0, :, 2]
    assert headings[0].item() == pytest.approx(3.0 + (2 * pi - 6) / 5, abs=1e-5)
    assert headings[-1].item() == pytest.approx(-3.0, abs=1e-5)


@settings(max_examples=30)
@given(speeds, speeds, angles, angles, st.integers(0, ACTIONS - 1))
def test_the_nearest_action_is_the_one_that_led_there(x, y, heading, axis, number):
    before, taken = state((x, y), heading, axis), torch.tensor([number])
    goal = GRID.step(before, taken).pose[:, -1]
    assert GRID.nearest(before, goal).tolist() == [number]


@settings(max_examples=30)
@given(speeds, speeds, angles, st.floats(-12, 12), st.floats(-12, 12))
def test_no_other_action_ends_nearer(x, y, axis, goal_x, goal_y):
    """Also where the goal is beyond what 6 m/s² reach."""
    before, goal = state((x, y), 0.0, axis), torch.tensor([[goal_x, goal_y, 0.0]])
    every = torch.arange(ACTIONS)
    ends = GRID.step(before.rows(torch.zeros(ACTIONS, dtype=torch.int64)), every).pose[:, -1, :2]
    away = (ends - goal[0, :2]).norm(dim=-1)
    assert away[GRID.nearest(before, goal)].item() == pytest.approx(away.min().item(), abs=1e-4)
    assert away[GRID.nearest(before, goal, every[None])].item() == pytest.approx(
        away.min().item(), abs=1e-4
    )


def test_agents_without_the_axes_of_their_scene_are_refused():
    lost = AgentState(
        torch.zeros(1, 3), torch.zeros(1, 2), torch.ones(1, 3), torch.zeros(1, dtype=torch.int64)
    )
    with pytest.raises(InputError, match="scene_heading"):
        GRID.step(lost, numbered(0, 0))
