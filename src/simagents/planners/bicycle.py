"""The kinematic bicycle: where constant steering and acceleration lead a vehicle."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.geometry import unit_vector
from simagents.models.paths import AgentState, Motion
from simagents.scenarios.scenario import STEP_SECONDS
from simagents.simulation.speed import travelled

WHEELBASE = 0.6
"""Share of a vehicle's length that is between its axles; the box's centre is halfway between them."""

Values = Float[Tensor, "*#n"]


def arc(
    metres: Values, curvature: Values, axle: Values
) -> tuple[
    Float[Tensor, "*n"], Float[Tensor, "*n"], Float[Tensor, "*n"], Float[Tensor, "*n"]
]:  # fmt: skip
    """The centre after so many metres of the rear axle's path: x ahead, y to the left (m) of where it
    was and along its heading there, and the cosine and sine of the turn.

    The rear axle, `axle` metres behind the centre, moves along its heading on a circle of curvature
    tan δ / wheelbase at steering angle δ (Rajamani 2012, Vehicle Dynamics and Control, section 2.2,
    seen from the rear axle). Exact for constant steering, whatever the speed does.
    """
    turn = metres * curvature
    cos, sin = turn.cos(), turn.sin()
    bent = curvature.abs() > 1e-6
    radius = 1 / torch.where(bent, curvature, 1.0)
    x = torch.where(bent, sin * radius, metres) + axle * (cos - 1)
    y = torch.where(bent, (1 - cos) * radius, 0.0) + axle * sin
    return x, y, cos, sin


def curvature(steering: Values, length: Values) -> Float[Tensor, "*n"]:
    """1/m of the rear axle's path, of a vehicle of that length (m) at that steering angle (rad)."""
    return torch.tan(steering) / (WHEELBASE * length)


def drive(
    vehicle: AgentState,
    speed: Float[Tensor, "W"],
    steering: Float[Tensor, "#W"] | float,
    acceleration: Float[Tensor, "#W"] | float,
) -> Motion:
    """The next 0.1 s of vehicles at that speed (m/s) with constant steering (rad) and acceleration
    (m/s²). Its velocity is that at the end."""
    steering, acceleration = (
        torch.as_tensor(value, dtype=speed.dtype, device=speed.device).expand_as(speed)
        for value in (steering, acceleration)
    )
    length = vehicle.size[:, 0]
    seconds = torch.full_like(speed, STEP_SECONDS)
    metres = travelled(speed, acceleration, seconds)
    x, y, cos, sin = arc(metres, curvature(steering, length), WHEELBASE * length / 2)
    heading = vehicle.pose[:, 2]
    ahead, aside = heading.cos(), heading.sin()
    turned = heading + torch.atan2(sin, cos)
    place = vehicle.pose[:, :2] + torch.stack([x * ahead - y * aside, x * aside + y * ahead], -1)
    after = (speed + acceleration * STEP_SECONDS).clamp(min=0)
    pose = torch.cat([place, turned[:, None]], dim=-1)
    return Motion(pose[:, None], after[:, None] * unit_vector(turned))
