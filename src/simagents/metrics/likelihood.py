"""How likely the log is under the distribution of the rollouts' features.

Everything here is additive over rollouts: counts of several rollouts are the sums of their counts.
"""

import torch
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor

from simagents.metrics.challenge import BERNOULLI_PSEUDOCOUNT, HISTOGRAM_PSEUDOCOUNT, Histogram


def bins(values: Float32[Tensor, "*n"], histogram: Histogram) -> Int64[Tensor, "*n"]:
    """The bin of each value. Bins are open on the right, except the last; values outside go to the
    first or last.

    NaN goes to the last bin: in the official evaluator 1.6.7 of the Waymo Open Sim Agents Challenge
    it survives the clipping and compares with no edge. Speeds are NaN at the last simulated step
    and accelerations at the last two, so each rollout adds one or two counts to the fastest bin.
    """
    edges = histogram.edges.to(values.device)
    clipped = values.clamp(histogram.low, histogram.high).nan_to_num(nan=histogram.high)
    index = torch.searchsorted(edges, clipped.contiguous(), right=True) - 1
    return index.clamp(0, histogram.bins - 1)


def counted(
    index: Int64[Tensor, "*n T"], size: int, valid: Bool[Tensor, "*n T"] | None = None
) -> Float32[Tensor, "*n {size}"]:
    """How many of the T (valid) values fall into each of the first `size` bins."""
    hits = index[..., None] == torch.arange(size, device=index.device)
    if valid is not None:
        hits &= valid[..., None]
    return hits.sum(dim=-2).float()


def histogram_likelihood(
    counts: Float64[Tensor, "S E K"], logged: Float64[Tensor, "E K"]
) -> Float64[Tensor, "S"]:
    """Geometric mean, over the log's scored values, of their smoothed frequency in the rollouts.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: one histogram per agent over all
    rollouts and steps, and a mean over agents and steps together, so that agents seen for longer
    weigh more. Frequencies are not divided by the width of a bin.

    S sets of rollouts, E evaluated agents, K bins; `logged` counts the scored values of the log.
    NaN where the log has none, or the set of rollouts is empty.
    """
    total = counts.sum(dim=-1, keepdim=True)
    smooth = total + HISTOGRAM_PSEUDOCOUNT * counts.shape[-1]
    log_frequency = ((counts + HISTOGRAM_PSEUDOCOUNT) / smooth).log().where(total > 0, torch.nan)
    return ((log_frequency * logged).sum(dim=(1, 2)) / logged.sum()).exp()


def bernoulli_likelihood(
    happened: Float64[Tensor, "S E"], rollouts: Float64[Tensor, "S"], logged: Bool[Tensor, "E"]
) -> Float64[Tensor, "S"]:
    """Geometric mean, over agents, of the smoothed share of rollouts that agree with the log.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. Agents whose future the
    log never saw count too, in full agreement. Full agreement of 32 rollouts is 32.001/32.002 and
    not 1. NaN for an empty set of rollouts.
    """
    rollouts = rollouts[:, None]
    agree = torch.where(logged, happened, rollouts - happened)
    share = (agree + BERNOULLI_PSEUDOCOUNT) / (rollouts + 2 * BERNOULLI_PSEUDOCOUNT)
    return share.log().where(rollouts > 0, torch.nan).mean(dim=-1).exp()
