"""Agents at successive moments, and how they change from one to the next."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.geometry import unit_vector, wrap_angle
from simagents.models.paths import Paths
from simagents.scenarios.scenario import STEP_SECONDS


@dataclass(frozen=True)
class Moments:
    """N agents at T successive moments."""

    place: Float[Tensor, "T N 2"]
    heading: Float[Tensor, "T N"]
    speed: Float[Tensor, "T N"]
    """along the heading (m/s)"""
    changes: Float[Tensor, "T N 2"]
    """acceleration and yaw rate since the moment before; 0 where that is not seen"""
    valid: Bool[Tensor, "T N"]

    def rows(self, which: Int64[Tensor, "n"]) -> "Moments":
        """Some agents, perhaps several times."""
        return Moments(*(getattr(self, each.name).index_select(1, which) for each in fields(self)))

    def at(self, moments: slice) -> "Moments":
        """Some moments."""
        return Moments(*(getattr(self, each.name)[moments] for each in fields(self)))

    @staticmethod
    def along(paths: Paths, seconds: float = STEP_SECONDS) -> "Moments":
        """After each action. At the current step all agents are there, also those that the log did not see
        an action before."""
        valid = paths.valid.T.clone()
        valid[paths.history - 1] = True
        return Moments.of(
            paths.pose.transpose(0, 1), paths.velocity.transpose(0, 1), valid, seconds
        )

    @staticmethod
    def of(
        pose: Float[Tensor, "T N 3"],
        velocity: Float[Tensor, "T N 2"],
        valid: Bool[Tensor, "T N"],
        seconds: float = STEP_SECONDS,
    ) -> "Moments":
        """Successive moments, `seconds` apart, of which the first one is without changes."""
        speed, heading = speed_along(pose, velocity), pose[..., 2]
        both = valid[1:] & valid[:-1]
        changed = (
            changes(speed[:-1], heading[:-1], speed[1:], heading[1:], seconds) * both[..., None]
        )
        changed = nn.functional.pad(changed, (0, 0, 0, 0, 1, 0))
        return Moments(pose[..., :2], heading, speed, changed, valid)


def changes(
    speed: Float[Tensor, "*N"],
    heading: Float[Tensor, "*N"],
    speed_after: Float[Tensor, "*N"],
    heading_after: Float[Tensor, "*N"],
    seconds: float = STEP_SECONDS,
) -> Float[Tensor, "*N 2"]:
    """Acceleration and yaw rate from one moment to the next."""
    turned = wrap_angle(heading_after - heading)
    return torch.stack([speed_after - speed, turned], dim=-1) / seconds


def speed_along(
    pose: Float[Tensor, "*N 3"], velocity: Float[Tensor, "*N 2"]
) -> Float[Tensor, "*N"]:
    """Speed along the heading (m/s), negative backwards."""
    return (velocity * unit_vector(pose[..., 2])).sum(dim=-1)
