"""Reward minus a constant: the credit of MPO."""

from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import Constant


def credit(settings: Constant, evidence: Evidence) -> Credit:
    """A = r - α: SMART-R1 (Pei, Shi, Shen 2025, arXiv:2509.23993), Eq. 4.

    `settings.alpha` is a number by now: training has put the measured mean where an offset was.
    """
    return Credit(above(evidence.reward, alpha=settings.alpha))


def above(reward: Float[Tensor, "*N"], *, alpha: float) -> Float[Tensor, "*N"]:
    """r - α"""
    return reward - alpha
