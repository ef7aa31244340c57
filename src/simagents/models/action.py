"""Motion tokens as actions."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.geometry import to_world
from simagents.tokens.chain import corner_distance
from simagents.tokens.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenActions:
    """The `ActionSpace` of a motion vocabulary."""

    vocabulary: Vocabulary

    def move(
        self,
        agent_class: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        action: Int64[Tensor, "N"],
    ) -> Float[Tensor, "N 5 3"]:
        """The token's poses laid at `pose`."""
        motion = self.vocabulary.motion[agent_class, action, 1:]
        return to_world(motion, pose[:, None])

    def nearest(
        self,
        agent_class: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        goal: Float[Tensor, "N 3"],
        among: Int64[Tensor, "N K"] | None = None,
    ) -> Int64[Tensor, "N"]:
        """The token that ends nearest to `goal` by box corners, of all or of those in `among`."""
        distance = corner_distance(self.vocabulary, agent_class, pose, goal)
        if among is None:
            return distance.argmin(dim=-1)
        place = distance.gather(-1, among).argmin(dim=-1, keepdim=True)
        return torch.gather(among, -1, place).squeeze(-1)
