"""What the decoder reads of an agent at a step."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from simagents.config.models import MotionLM as MotionLMSettings
from simagents.geometry import unit_vector
from simagents.models.body import BODY, body
from simagents.models.motionlm.actions import ACTIONS, VerletActions
from simagents.models.motionlm.places import FAST, PlaceFeatures, along
from simagents.models.perceptrons import mlp_embedding
from simagents.models.scenes import SceneBatch
from simagents.scenarios.scenario import CURRENT, SIMULATED

STEPS = SIMULATED // VerletActions.log_steps
"""Of the decoder: actions of a simulation."""


@dataclass(frozen=True)
class Placed:
    """Agents at some moments, in metres and m/s from the scene's origin by the axes of the batch."""

    pose: Float[Tensor, "*N 3"]
    velocity: Float[Tensor, "*N 2"]
    axis: Float[Tensor, "*#N"]
    """heading of the scene's own x axis"""


class DecoderInputs(nn.Module):
    """Who an agent is, which action it took last, and at which step."""

    def __init__(self, settings: MotionLMSettings):
        super().__init__()
        width = settings.width
        self.features = PlaceFeatures(settings.bands)
        self.who = mlp_embedding(self.features.count + 2 + BODY, width)
        self.action = nn.Embedding(ACTIONS, width)
        self.step = nn.Embedding(STEPS, width)
        self.state = None
        if settings.geometry == "given":
            self.state = mlp_embedding(self.features.count + 2, width)

    def identity(self, scenes: SceneBatch) -> Float[Tensor, "A D"]:
        """From the state at the current step."""
        pose, velocity = scenes.pose[:, CURRENT].float(), scenes.velocity[:, CURRENT]
        placed = self._placed(Placed(pose, velocity, scenes.agent_axis))
        return self.who(torch.cat([placed, body(scenes.agent_size, scenes.agent_class)], dim=-1))

    def forward(
        self,
        identity: Float[Tensor, "N D"],
        action: Int64[Tensor, "N F"],
        step: Int64[Tensor, "F"],
        placed: Placed,
    ) -> Float[Tensor, "N F D"]:
        """At some steps: `action` is the one before, and `placed` where it led [N, F]. Step 0 reads no
        action."""
        x = identity[:, None] + self.step(step) + self.action(action) * (step > 0)[:, None]
        return x if self.state is None else x + self.state(self._placed(placed))

    def _placed(self, placed: Placed) -> Float[Tensor, "*N _"]:
        place = self.features(placed.pose[..., :2], unit_vector(placed.pose[..., 2]), placed.axis)
        return torch.cat([place, along(placed.velocity, placed.axis) / FAST], dim=-1)
