"""Accelerations on a grid as actions."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.errors import InputError
from simagents.geometry import rotate, wrap_angle
from simagents.models.paths import AgentState, Motion
from simagents.scenarios.scenario import STEP_SECONDS

PER_AXIS = 13
LARGEST = 6.0
"""m/s², on each axis"""
ACTIONS = PER_AXIS**2
_SPACING = 2 * LARGEST / (PER_AXIS - 1)
_TURNING = 0.5
"""m/s above which agents head where they move"""


class VerletActions:
    """The `ActionSpace` of 13 x 13 accelerations along the axes of the scene, constant for 0.5 s.

    Peng et al. 2024, arXiv:2409.18343: with d the duration, v' = v + a d and p' = p + v' d. The paper
    prints no d; 0.5 s is MotionLM's rate. The scene's x axis points where the SDC heads at the current
    step. In between, places lie on a straight line. An agent heads where it moves if it ends faster than
    0.5 m/s and else keeps its heading; headings in between are interpolated too, along the shorter way, so
    that turning is not one jump in five steps. Agents that drive backwards are turned around by this.
    """

    log_steps = 5
    seconds = log_steps * STEP_SECONDS

    def step(self, state: AgentState, action: Int64[Tensor, "N"]) -> Motion:
        """Five poses on the way, and the velocity at the end."""
        cos, sin = _axes(state)
        ahead, left = acceleration(action).to(state.pose.dtype).unbind(-1)
        change = torch.stack(rotate(ahead, left, cos, sin), dim=-1) * self.seconds
        velocity = state.velocity + change
        share = torch.arange(1, self.log_steps + 1, device=action.device) / self.log_steps
        way = share[:, None] * (velocity * self.seconds)[:, None]
        held = state.pose[:, 2]
        moving = velocity.norm(dim=-1) > _TURNING
        turned = wrap_angle(torch.atan2(velocity[:, 1], velocity[:, 0]) - held)
        heading = wrap_angle(held[:, None] + share * (turned * moving)[:, None])
        pose = torch.cat([state.pose[:, None, :2] + way, heading[..., None]], dim=-1)
        return Motion(pose, velocity)

    def nearest(
        self,
        state: AgentState,
        goal: Float[Tensor, "N 3"],
        among: Int64[Tensor, "N K"] | None = None,
    ) -> Int64[Tensor, "N"]:
        """The action that ends nearest to the goal's place; its heading follows from the way there.

        Ends are a grid too, so the nearest one is found by rounding.
        """
        if among is not None:
            best = self._needed(state, goal)[:, None]
            away = (acceleration(among).to(best.dtype) - best).square().sum(dim=-1)
            return among.gather(1, away.argmin(dim=-1, keepdim=True)).squeeze(1)
        place = (self._needed(state, goal) / _SPACING).round().long() + PER_AXIS // 2
        ahead, left = place.clamp(0, PER_AXIS - 1).unbind(-1)
        return ahead * PER_AXIS + left

    def _needed(self, state: AgentState, goal: Float[Tensor, "N 3"]) -> Float[Tensor, "N 2"]:
        """The acceleration that ends exactly there."""
        cos, sin = _axes(state)
        velocity = (goal[:, :2] - state.pose[:, :2]) / self.seconds
        change = (velocity - state.velocity) / self.seconds
        return torch.stack(rotate(change[:, 0], change[:, 1], cos, -sin), dim=-1)


def acceleration(action: Int64[Tensor, "*N"]) -> Float[Tensor, "*N 2"]:
    """m/s² along the scene's axes of an action's number: 0 is (-6, -6), 1 is (-6, -5), 168 is (6, 6)."""
    place = torch.stack([action // PER_AXIS, action % PER_AXIS], dim=-1)
    return (place - PER_AXIS // 2) * _SPACING


def _axes(state: AgentState) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the heading of the scene's x axis."""
    if state.scene_heading is None:
        raise InputError(
            "accelerations lie along the axes of a scene; give the agents `scene_heading`."
        )
    return state.scene_heading.cos(), state.scene_heading.sin()
