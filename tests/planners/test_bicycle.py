"""The kinematic bicycle, by hand."""

from math import cos, pi, sin, tan

import pytest
import torch

from simagents.models.paths import AgentState
from simagents.planners.bicycle import arc, curvature, drive
from simagents.simulation.speed import travelled


def values(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def test_a_braking_vehicle_stands_and_never_reverses():
    """At 2 m/s and -4 m/s² it stands after 0.5 s and 2 · 0.5 - 2 · 0.25 = 0.5 m."""
    metres = travelled(values(2.0, 2.0, 2.0), values(-4.0, -4.0, 4.0), values(0.25, 9.0, 0.5))
    assert metres.tolist() == pytest.approx([2 * 0.25 - 2 * 0.0625, 0.5, 2 * 0.5 + 2 * 0.25])


def test_a_quarter_of_a_circle():
    """Radius 10 m, a quarter of it: the rear axle, 1 m behind the centre, ends at (10, 10) ahead of where it
    was, pointing left, and the centre 1 m further left: (10 - 1, 10 + 1) from where the centre was."""
    x, y, c, s = arc(values(10 * pi / 2), values(0.1), values(1.0))
    assert (x.item(), y.item()) == pytest.approx((9.0, 11.0))
    assert (c.item(), s.item()) == pytest.approx((0.0, 1.0), abs=1e-9)


def test_curvature_is_the_tangent_of_steering_over_the_wheelbase():
    """A vehicle of 5 m has a wheelbase of 3 m."""
    assert curvature(values(0.3), values(5.0)).item() == pytest.approx(tan(0.3) / 3)


def test_a_step_by_hand():
    """5 m long, at (1, 2) heading north at 10 m/s, accelerating by 4 m/s²: 1 + 0.02 = 1.02 m, to 10.4 m/s."""
    state = AgentState(
        torch.tensor([[1.0, 2.0, pi / 2]]), torch.zeros(1, 2), torch.tensor([[5.0, 2.0, 1.5]]),
        torch.zeros(1, dtype=torch.int64),
    )  # fmt: skip
    speed = torch.tensor([10.0])
    straight = drive(state, speed, 0.0, 4.0)
    assert straight.pose[0, 0].tolist() == pytest.approx([1.0, 3.02, pi / 2], abs=1e-6)
    assert straight.velocity[0].tolist() == pytest.approx([0.0, 10.4], abs=1e-5)
    turned = drive(state, speed, 0.3, 0.0)
    turn = tan(0.3) / 3
    radius = 3 / tan(0.3)
    ahead = radius * sin(turn) + 1.5 * (cos(turn) - 1)
    aside = radius * (1 - cos(turn)) + 1.5 * sin(turn)
    expected = [1 - aside, 2 + ahead, pi / 2 + turn]
    assert turned.pose[0, 0].tolist() == pytest.approx(expected, abs=1e-5)


def test_many_steps_are_one_arc():
    """Ten steps of constant control end where the arc of their path ends."""
    state = AgentState(
        torch.zeros(1, 3), torch.zeros(1, 2), torch.tensor([[5.0, 2.0, 1.5]]),
        torch.zeros(1, dtype=torch.int64),
    )  # fmt: skip
    speed = torch.tensor([3.0])
    for _ in range(10):
        motion = drive(state, speed, 0.2, -2.0)
        state = AgentState(motion.pose[:, 0], motion.velocity, state.size, state.agent_class)
        speed = motion.velocity.norm(dim=-1)
    bend = curvature(torch.tensor(0.2), torch.tensor(5.0))
    x, y, _, _ = arc(torch.tensor(3.0 - 1.0), bend, torch.tensor(1.5))
    assert state.pose[0, :2].tolist() == pytest.approx([x.item(), y.item()], abs=1e-5)
