"""Central differences by hand, with the turns and gaps where conventions differ."""

from math import nan, pi, sqrt

import pytest
import torch

from simagents.metrics.kinematics import (
    angular_acceleration,
    angular_speed,
    central_difference,
    linear_acceleration,
    linear_speed,
    neighbours_valid,
)
from simagents.metrics.rounding import root


def equal(values, expected):
    return torch.testing.assert_close(
        values, torch.tensor(expected), equal_nan=True, atol=1e-4, rtol=1e-5
    )


def test_speed_includes_the_climb():
    """One metre forward and half a metre up in 0.1 s: 10 sqrt(1.25) m/s, 10 m/s in the plane."""
    x, y = torch.arange(4.0), torch.zeros(4)
    equal(linear_speed(x, y, x / 2), [nan, 10 * sqrt(1.25), 10 * sqrt(1.25), nan])
    equal(linear_speed(x, y), [nan, 10.0, 10.0, nan])


def test_acceleration_is_signed():
    """x = 0, 1, 3, 6, 10, 15 m: speeds 15, 25, 35, 45 m/s, so 100 m/s²; backwards in time, -100."""
    x = torch.tensor([0.0, 1, 3, 6, 10, 15])
    speed = linear_speed(x, torch.zeros(6))
    equal(linear_acceleration(speed), [nan, nan, 100.0, 100.0, nan, nan])
    equal(linear_acceleration(speed.flip(0)), [nan, nan, -100.0, -100.0, nan, nan])


def test_turning_through_the_back():
    """From 3.1 to -3.1 rad is a left turn of 2 pi - 6.2 = 0.083 rad."""
    per_second, per_step = angular_speed(torch.tensor([3.1, 0.0, -3.1]))
    equal(per_step, [nan, (2 * pi - 6.2) / 2, nan])
    equal(per_second, [nan, (2 * pi - 6.2) / 0.2, nan])


def test_the_change_over_two_steps_is_wrapped():
    """Two radians per step are four over two steps, taken for 4 - 2 pi: -11.4 rad/s, not 20."""
    equal(angular_speed(torch.tensor([0.0, 2.0, 4.0]))[0], [nan, (4 - 2 * pi) / 0.2, nan])


def test_unwrapped_headings_turn_alike():
    heading = torch.tensor([0.1, 0.3, 0.2, 0.5, 0.6])
    torch.testing.assert_close(
        angular_speed(heading + 6 * pi)[1], angular_speed(heading)[1], equal_nan=True,
        atol=1e-5, rtol=0,
    )  # fmt: skip


def test_angular_acceleration():
    """Yaw rates of 0.1, 0.2, 0.3 rad per step: 0.1 rad per step² are 10 rad/s²."""
    heading = torch.tensor([0.0, 0.05, 0.2, 0.45, 0.8])
    equal(angular_acceleration(angular_speed(heading)[1]), [nan, nan, 10.0, nan, nan])


def test_difference_of_batches():
    values = torch.rand(2, 3, 7)
    equal(central_difference(values)[1, 2], central_difference(values[1, 2]).tolist())


def test_a_difference_needs_its_neighbours_and_not_itself():
    valid = torch.tensor([1, 1, 0, 1, 1, 1, 1]).bool()
    speed = neighbours_valid(valid)
    assert speed.tolist() == [False, False, True, False, True, True, False]
    assert neighbours_valid(speed).tolist() == [False, False, False, True, False, False, False]


def test_full_validity_leaves_78_speeds_and_76_accelerations():
    speed = neighbours_valid(torch.ones(80).bool())
    assert (speed.sum().item(), neighbours_valid(speed).sum().item()) == (78, 76)


def test_root_is_correctly_rounded():
    """The square of a number of 11 bits is exact in float32, so its root must be as well."""
    numbers = torch.arange(1.0, 2049)
    assert torch.equal(root(numbers**2), numbers)


@pytest.mark.parametrize("shift", [1000.0, -5000.0])
def test_constant_speed_has_no_acceleration_anywhere(shift):
    x = torch.arange(0, 45.5, 0.5)
    speed = linear_speed(x + shift, torch.zeros_like(x))
    assert (linear_acceleration(speed)[2:-2] == 0).all()
