"""Motion tokens as actions."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from simagents.geometry import to_world
from simagents.models.paths import AgentState, Motion
from simagents.scenarios.scenario import STEP_SECONDS
from simagents.tokens.chain import corner_distance
from simagents.tokens.vocabulary import SUBSTEPS, Vocabulary


@dataclass(frozen=True)
class TokenActions:
    """The `ActionSpace` of a motion vocabulary."""

    vocabulary: Vocabulary
    log_steps = SUBSTEPS

    def step(self, state: AgentState, action: Int64[Tensor, "N"]) -> Motion:
        """The token's poses laid at the agent's pose."""
        motion = self.vocabulary.motion[state.agent_class, action, 1:]
        pose = to_world(motion, state.pose[:, None])
        return Motion(pose, (pose[:, -1, :2] - pose[:, -2, :2]) / STEP_SECONDS)

    def nearest(
        self,
        state: AgentState,
        goal: Float[Tensor, "N 3"],
        among: Int64[Tensor, "N K"] | None = None,
    ) -> Int64[Tensor, "N"]:
        """The token that ends nearest to `goal` by box corners, of all or of those in `among`."""
        distance = corner_distance(self.vocabulary, state.agent_class, state.pose, goal)
        if among is None:
            return distance.argmin(dim=-1)
        place = distance.gather(-1, among).argmin(dim=-1, keepdim=True)
        return torch.gather(among, -1, place).squeeze(-1)

    def ends(self) -> tuple[Float[Tensor, "3 V 4 2"], Bool[Tensor, "3 V"]]:
        """Box corners at the end of each action, and which actions each class has: what spatial
        label smoothing needs of a discrete action space."""
        return self.vocabulary.end_box, ~self.vocabulary.absent
