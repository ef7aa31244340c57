"""Speeds and accelerations by central differences, as the official evaluator takes them."""

from math import nan

import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from simagents.geometry import wrap_angle
from simagents.metrics.rounding import divide, root
from simagents.scenarios.scenario import STEP_SECONDS

Steps = Float32[Tensor, "*batch T"]


def linear_speed(x: Steps, y: Steps, z: Steps | None = None) -> Steps:
    """Speed in m/s from positions in metres; with `z` it includes the vertical motion.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: three-dimensional as a feature,
    planar inside the time to collision. NaN at the first and the last step.
    """
    square = central_difference(x) ** 2 + central_difference(y) ** 2
    if z is not None:
        square = square + central_difference(z) ** 2
    return divide(root(square), STEP_SECONDS)


def linear_acceleration(speed: Steps) -> Steps:
    """Change of speed in m/s², negative when braking. NaN at two steps at each end."""
    return divide(central_difference(speed), STEP_SECONDS)


def angular_speed(heading: Steps) -> tuple[Steps, Steps]:
    """Yaw rate in rad/s and, for `angular_acceleration`, in radians per step.

    The official code wraps the change over *two* steps to [-pi, pi) and halves it, so that a turn
    of more than a quarter circle per step comes out with the wrong sign. NaN at both ends.
    """
    per_step = wrap_angle(2 * central_difference(heading)) / 2
    return divide(per_step, STEP_SECONDS), per_step


def angular_acceleration(radians_per_step: Steps) -> Steps:
    """Change of yaw rate in rad/s²; the official code wraps the rate's difference once more."""
    change = wrap_angle(2 * central_difference(radians_per_step)) / 2
    return divide(change, STEP_SECONDS**2)


def central_difference(values: Steps) -> Steps:
    """Half of the difference between the next and the last value; NaN at both ends."""
    out = torch.full_like(values, nan)
    out[..., 1:-1] = (values[..., 2:] - values[..., :-2]) / 2
    return out


def neighbours_valid(valid: Bool[Tensor, "*batch T"]) -> Bool[Tensor, "*batch T"]:
    """Where a central difference has both its neighbours; the step itself need not be valid.

    The official code applies this inside the 80 simulated steps with False around them: the first
    and the last simulated step are never scored, though history would serve the first one.
    Applied twice, it is the validity of an acceleration.
    """
    out = torch.zeros_like(valid)
    out[..., 1:-1] = valid[..., 2:] & valid[..., :-2]
    return out
