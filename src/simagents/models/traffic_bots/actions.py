"""Acceleration and yaw rate as actions."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.geometry import unit_vector, wrap_angle
from simagents.models.nearby.moments import changes, speed_along
from simagents.models.paths import AgentState, Motion
from simagents.scenarios.scenario import STEP_SECONDS

LIMITS = ((5.0, 1.5), (7.0, 7.0), (6.0, 3.0))
"""Largest acceleration (m/s²) and yaw rate (rad/s) of each of CLASSES: the published ones."""


class UnicycleActions:
    """The `ActionSpace` of a unicycle: acceleration (m/s²) and yaw rate (rad/s), constant for 0.1 s.

    MultiPath++ (Varadarajan et al. 2022, arXiv:2111.14973) with the limits of TrafficBots. Agents move
    where they head: the part of a velocity across the heading is lost with the first action. The
    displacement is that of the mean speed along the mean heading. An action beyond the limits acts as
    the limit.
    """

    log_steps = 1

    def step(self, state: AgentState, action: Float[Tensor, "N 2"]) -> Motion:
        """One step of the unicycle."""
        limit = limits(state.agent_class)
        speed = speed_along(state.pose, state.velocity)
        place, heading, speed = advanced(
            state.pose[:, :2], state.pose[:, 2], speed, action.clamp(-limit, limit)
        )
        pose = torch.cat([place, heading[:, None]], dim=-1)
        return Motion(pose[:, None], speed[:, None] * unit_vector(heading))

    def nearest(
        self,
        state: AgentState,
        goal: Float[Tensor, "N 3"],
        among: Float[Tensor, "N K 2"] | None = None,
    ) -> Float[Tensor, "N 2"]:
        """The action that turns to the goal's heading and comes as far along the mean heading; or,
        of those in `among`, the one that ends nearest to the goal's place."""
        if among is not None:
            ends = [self.step(state, action).pose[:, -1, :2] for action in among.unbind(1)]
            distance = (torch.stack(ends, dim=1) - goal[:, None, :2]).norm(dim=-1)
            return among[torch.arange(len(among), device=among.device), distance.argmin(dim=-1)]
        turned = wrap_angle(goal[:, 2] - state.pose[:, 2])
        ahead = unit_vector(state.pose[:, 2] + turned / 2)
        distance = ((goal[:, :2] - state.pose[:, :2]) * ahead).sum(dim=-1)
        speed = speed_along(state.pose, state.velocity)
        acceleration = 2 * (distance / STEP_SECONDS - speed) / STEP_SECONDS
        limit = limits(state.agent_class).to(goal.dtype)
        action = torch.stack([acceleration, turned / STEP_SECONDS], dim=-1)
        return action.clamp(-limit, limit)


def advanced(
    place: Float[Tensor, "N 2"],
    heading: Float[Tensor, "N"],
    speed: Float[Tensor, "N"],
    action: Float[Tensor, "N 2"],
) -> tuple[Float[Tensor, "N 2"], Float[Tensor, "N"], Float[Tensor, "N"]]:
    """Place, heading and speed along it after 0.1 s of that acceleration and yaw rate."""
    faster, turned = (action * STEP_SECONDS).unbind(-1)
    distance = (speed + faster / 2) * STEP_SECONDS
    place = place + distance[:, None] * unit_vector(heading + turned / 2)
    return place, wrap_angle(heading + turned), speed + faster


def logged_controls(
    pose: Float[Tensor, "N T 3"],
    velocity: Float[Tensor, "N T 2"],
    agent_class: Int64[Tensor, "N"],
) -> Float[Tensor, "N _ 2"]:
    """Acceleration and yaw rate between successive states of a log, within the limits.

    From logged speeds and headings, not from places: an action that reaches the next place exactly
    corrects half the error of the speed before it, so that errors swing from step to step.
    """
    speed = speed_along(pose, velocity)
    heading, limit = pose[..., 2], limits(agent_class)[:, None]
    controls = changes(speed[:, :-1], heading[:, :-1], speed[:, 1:], heading[:, 1:])
    return controls.clamp(-limit, limit)


def limits(agent_class: Int64[Tensor, "*N"]) -> Float[Tensor, "*N 2"]:
    """Largest acceleration and yaw rate of each agent."""
    return torch.tensor(LIMITS, device=agent_class.device)[agent_class]
