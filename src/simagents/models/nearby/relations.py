"""Nearest sources of each target, and their relative poses as features."""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.models.waves import FAR, frequencies


@torch.no_grad()
def nearest(
    target: Float[Tensor, "T N 2"],
    source: Float[Tensor, "#T N C 2"],
    there: Bool[Tensor, "#T N C"],
    most: int,
) -> tuple[Int64[Tensor, "T N K"], Bool[Tensor, "T N K"]]:
    """Each target's nearest candidates, `most` at most, and which of them exist.

    One moment after the other: all distances of 80 steps at once would fill the memory.
    """
    most = min(most, source.shape[2])
    places, present = [], []
    for moment, at in enumerate(target):
        of = moment if len(source) > 1 else 0
        squared = (source[of] - at[:, None]).square().sum(dim=-1)
        squared = squared.masked_fill(~there[moment if len(there) > 1 else 0], torch.inf)
        squared, place = squared.topk(most, dim=-1, largest=False)
        places.append(place)
        present.append(squared.isfinite())
    return torch.stack(places), torch.stack(present)


class RelativePose(nn.Module):
    """Places and directions as seen from a pose, embedded by one layer.

    The published encoding has sines and cosines of distances and angles; ours has them of the two
    coordinates in the target's frame, at fixed wavelengths from 4 m on, each twice the one before. The
    `label` is added, so that kinds of sources are told apart.
    """

    def __init__(self, width: int, bands: int, labels: int = 1):
        super().__init__()
        self.register_buffer("frequency", frequencies(bands), persistent=False)
        self.embed = nn.Linear(5 + 4 * bands, width)
        self.label = nn.Parameter(torch.zeros(labels, width))

    def forward(
        self,
        at: Float[Tensor, "*N 2"],
        heading: Float[Tensor, "*N"],
        place: Float[Tensor, "*N K 2"],
        ahead: Float[Tensor, "*N K 2"],
        label: Int64[Tensor, "K"] | None = None,
    ) -> Float[Tensor, "*N K D"]:
        """Sources as seen from places and headings. `ahead` are unit vectors, or zero where a source
        has no direction."""
        cos, sin = heading.cos(), heading.sin()
        axes = torch.stack([cos, -sin, sin, cos], dim=-1).unflatten(-1, (2, 2))
        both = torch.cat([place - at[..., None, :], ahead], dim=-2)
        # Sums of products, not a matrix product: autocast would take metres to 8 bits.
        local, ahead = (both[..., :1] * axes[..., None, 0, :] + both[..., 1:] * axes[..., None, 1, :]).split(
            place.shape[-2], dim=-2
        )  # fmt: skip
        distance = (local.square().sum(dim=-1, keepdim=True) + 1e-4).sqrt()
        phase = (local[..., None] * self.frequency).flatten(-2)
        features = torch.cat(
            [local / FAR, ahead, (distance + 1).log(), phase.cos(), phase.sin()], dim=-1
        )
        embedded = self.embed(features)
        return torch.relu(embedded + (self.label[0] if label is None else self.label[label]))
