"""Where the smoothed part of a label goes: over near tokens more than over far ones."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_NOWHERE = 1e-4
"""Metres added to every distance, so that equal tokens have a finite share (TrajTok's code)."""
_ROWS = 64
"""Targets whose distances are in memory at once."""


def spatial_shares(
    corners: Float[Tensor, "V 4 2"], exists: Bool[Tensor, "V"], *, as_released: bool
) -> Float[Tensor, "V V"]:
    """Row t: how the smoothed mass of target t is shared by the other tokens of its class.

    Zhang et al. 2025 (TrajTok, arXiv:2506.21618): in proportion to 1 / (d + 1e-4)², d the mean distance (m) of the
    corners at which two tokens end. As published, a row sums to 1. `as_released` divides by the sum
    twice, as the released code does: a row then sums to 1 / Σ 1/d², and most of the smoothed mass
    is lost.

    The target itself and tokens that do not exist have no share; a class of one token has none to
    give. V² floats for a class: 0.26 GB for the 8,040 tokens of the published vehicles.
    """
    rows = []
    for first in range(0, len(corners), _ROWS):
        some = corners[first : first + _ROWS]
        distance = (some[:, None] - corners).norm(dim=-1).mean(dim=-1)
        near = (distance + _NOWHERE).pow(-2)
        own = torch.arange(first, first + len(some), device=near.device)
        near[torch.arange(len(some), device=near.device), own] = 0.0
        near = near.masked_fill(~exists | ~exists[own, None], 0.0)
        total = near.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(near.dtype).tiny)
        rows.append(near / total / (total if as_released else 1.0))
    return torch.cat(rows)
