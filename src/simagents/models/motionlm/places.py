"""Poses and velocities in the frame of a scene, as features."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.geometry import rotate
from simagents.models.waves import FAR, frequencies

FAST = 10.0
"""m/s: the unit of velocities"""


def along(vector: Float[Tensor, "*N 2"], heading: Float[Tensor, "*#N"]) -> Float[Tensor, "*N 2"]:
    """Vectors by the axes of a frame with that heading. No matrix product: autocast would take metres to 8 bits."""
    return torch.stack(
        rotate(vector[..., 0], vector[..., 1], heading.cos(), -heading.sin()), dim=-1
    )


class PlaceFeatures(nn.Module):
    """Where something is and which way it points, in the scene's frame: waves of both coordinates,
    coordinates, and the direction."""

    def __init__(self, bands: int):
        super().__init__()
        self.register_buffer("frequency", frequencies(bands), persistent=False)
        self.count = 4 + 4 * bands

    def forward(
        self,
        place: Float[Tensor, "*N 2"],
        direction: Float[Tensor, "*N 2"],
        axis: Float[Tensor, "*#N"],
    ) -> Float[Tensor, "*N _"]:
        """`place` from the scene's origin, `direction` a unit vector or zero, both by the axes of the batch;
        `axis` is the heading of the scene's own x axis."""
        place = along(place, axis)
        phase = (place[..., None] * self.frequency).flatten(-2)
        return torch.cat([place / FAR, along(direction, axis), phase.cos(), phase.sin()], dim=-1)
