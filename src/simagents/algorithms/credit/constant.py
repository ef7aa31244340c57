"""Reward minus a constant: the credit of MPO."""

from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import Constant


def credit(settings: Constant, evidence: Evidence) -> Credit:
    """A = r - α: SMART-R1 (Pei, Shi, Shen 2025, arXiv:2509.23993), Eq. 4; here over d, which is 1 there.

    `alpha` and `divide_by` are numbers by now: training has put in what was measured.
    """
    return Credit(above(evidence.reward, alpha=settings.alpha) / settings.divide_by)


def above(reward: Float[Tensor, "*N"], *, alpha: float) -> Float[Tensor, "*N"]:
    """r - α"""
    return reward - alpha
