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
    # Between which of the inner edges, NaN being beyond all of them: that clips, too.
    edges = histogram.edges[1:-1].to(values.device)
    return torch.searchsorted(edges, values.contiguous(), right=True)


def counted(
    index: Int64[Tensor, "*n T"], size: int, valid: Bool[Tensor, "*n T"] | None = None
) -> Float32[Tensor, "*n {size}"]:
    """How many of the T (valid) values fall into each of the first `size` bins."""
    ones = torch.ones_like(index) if valid is None else valid.long()
    return index.new_zeros(*index.shape[:-1], size).scatter_add_(-1, index, ones).float()


def histogram_likelihood(
    counts: Float64[Tensor, "N E K"], logged: Float64[Tensor, "E K"], agents: Int64[Tensor, "S"]
) -> Float64[Tensor, "S N"]:
    """Geometric mean, over the log's scored values, of their smoothed frequency in the rollouts.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: one histogram per agent over all
    rollouts and steps, and a mean over agents and steps together, so that agents seen for longer
    weigh more. Frequencies are not divided by the width of a bin.

    N sets of rollouts of S scenes with so many evaluated `agents` each, E in all; K bins; `logged`
    counts the scored values of the log. NaN where the log has none, or the set is empty.
    """
    total = counts.sum(dim=-1, keepdim=True)
    smooth = total + HISTOGRAM_PSEUDOCOUNT * counts.shape[-1]
    log_frequency = ((counts + HISTOGRAM_PSEUDOCOUNT) / smooth).log().where(total > 0, torch.nan)
    scored = by_scene(logged.sum(dim=-1), agents)[:, None]
    return (by_scene((log_frequency * logged).sum(dim=-1).T, agents) / scored).exp()


def bernoulli_likelihood(
    happened: Float64[Tensor, "N E"],
    rollouts: Float64[Tensor, "N"],
    logged: Bool[Tensor, "E"],
    agents: Int64[Tensor, "S"],
) -> Float64[Tensor, "S N"]:
    """Geometric mean, over agents, of the smoothed share of rollouts that agree with the log.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. Agents whose future the
    log never saw count too, in full agreement. Full agreement of 32 rollouts is 32.001/32.002 and
    not 1. NaN for an empty set of rollouts. Shapes as in `histogram_likelihood`.
    """
    rollouts = rollouts[:, None]
    agree = torch.where(logged, happened, rollouts - happened)
    share = (agree + BERNOULLI_PSEUDOCOUNT) / (rollouts + 2 * BERNOULLI_PSEUDOCOUNT)
    log_share = share.log().where(rollouts > 0, torch.nan)
    return (by_scene(log_share.T, agents) / agents[:, None]).exp()


def by_scene(
    values: Float64[Tensor, "E *n"], agents: Int64[Tensor, "S"]
) -> Float64[Tensor, "S *n"]:
    """Sums over the agents of each scene, one after the other, so that company changes no bit."""
    # Without checks of the lengths, for which the host would wait for a GPU.
    return torch.segment_reduce(values.contiguous(), "sum", lengths=agents, axis=0, unsafe=True)
