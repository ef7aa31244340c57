"""The pose after half a second as action."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.geometry import rotate, to_local, wrap_angle
from simagents.models.paths import AgentState, Motion
from simagents.scenarios.scenario import STEP_SECONDS


class PoseActions:
    """The `ActionSpace` of forecasts: x, y (m) and heading after 0.5 s, as seen from the agent.

    In between, the place lies on a straight line and the heading turns evenly. The velocity at the end is
    the mean one.
    """

    log_steps = 5
    seconds = log_steps * STEP_SECONDS

    def step(self, state: AgentState, action: Float[Tensor, "N 3"]) -> Motion:
        """Five poses on the way."""
        cos, sin = state.pose[:, 2].cos(), state.pose[:, 2].sin()
        way = torch.stack(rotate(action[:, 0], action[:, 1], cos, sin), dim=-1)
        share = torch.arange(1, self.log_steps + 1, device=action.device)[:, None] / self.log_steps
        place = state.pose[:, None, :2] + share * way[:, None]
        heading = wrap_angle(state.pose[:, None, 2:] + share * action[:, None, 2:])
        return Motion(torch.cat([place, heading], dim=-1), way / self.seconds)

    def nearest(
        self,
        state: AgentState,
        goal: Float[Tensor, "N 3"],
        among: Float[Tensor, "N K 3"] | None = None,
    ) -> Float[Tensor, "N 3"]:
        """The action that ends exactly there; or, of those in `among`, at the nearest place."""
        exact = to_local(goal, state.pose)
        if among is None:
            return exact
        away = (among[..., :2] - exact[:, None, :2]).norm(dim=-1)
        return among[torch.arange(len(among), device=among.device), away.argmin(dim=-1)]
