"""What a rollout adds to the metric of its scene."""

from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import LeaveOneOut


def credit(settings: LeaveOneOut, evidence: Evidence) -> Credit:
    """Of a reward that is one of all rollouts together."""
    added = added_by(evidence.reward[..., 0, 0], evidence.without)
    return Credit(added[:, :, None, None])


def added_by(metric: Float[Tensor, "S R"], without: Float[Tensor, "S R"]) -> Float[Tensor, "S R"]:
    """A_i = m - m_{-i}, with m the metric of all rollouts and m_{-i} that of all but i.

    m_{-i} does not depend on rollout i, so E[m_{-i} ∇log π(τ_i)] = 0 and the expected gradient is
    that of A = m - α for any constant α: MPO's, with less noise. Our own derivation.
    """
    return metric - without
