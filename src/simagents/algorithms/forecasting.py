"""Learning several possible futures from the one that happened."""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


def nearest_mode(away: Float[Tensor, "*N K H"], seen: Bool[Tensor, "*N H"]) -> Int64[Tensor, "*N"]:
    """The mode whose places lie nearest to the true ones, on the mean over the moments that were seen."""
    total = (away * seen[..., None, :]).sum(dim=-1)
    return total.argmin(dim=-1)


def of_mode(rows: Float[Tensor, "*N K H"], mode: Int64[Tensor, "*N"]) -> Float[Tensor, "*N H"]:
    """The rows of one mode each."""
    which = mode[..., None, None].expand(*mode.shape, 1, rows.shape[-1])
    return rows.gather(-2, which).squeeze(-2)


def mean_over_seen(terms: Float[Tensor, "*N H"], seen: Bool[Tensor, "*N H"]) -> Float[Tensor, "*N"]:
    """Over the moments that were seen; 0 where there are none."""
    return torch.where(seen, terms, 0.0).sum(dim=-1) / seen.sum(dim=-1).clamp(min=1)
