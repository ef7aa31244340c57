"""Coefficients that follow logged numbers; their values are part of the state of a save."""

from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from simagents.config.algorithms import Divergence, DivergenceTarget
from simagents.config.credit import (
    Constant,
    CreditSettings,
    ParentDeviations,
    ParentMean,
    RunningMean,
    Value,
)
from simagents.errors import InputError
from simagents.files import read_json


class ParentRewards(NamedTuple):
    """What was measured on the parent (`simagents calibrate`), over held-out training scenes."""

    mean: float
    deviation: float | None
    """of the scenes' means; None for a single scene"""

    @property
    def spread(self) -> float:
        """The deviation, to measure in or to divide by. Raises InputError where there is none."""
        if not (self.deviation and self.deviation > 0):  # none, 0, and NaN
            raise InputError(
                f"the rewards of the run that training starts from have the deviation {self.deviation}, and its"
                " credit is measured in deviations: raise `held_out` of the scenarios, or give"
                " `credit.alpha.parent_mean` and `credit.divide_by` numbers."
            )
        return self.deviation

    @staticmethod
    def read(path: Path) -> "ParentRewards":
        """Raises InputError where there is no such file."""
        measured = read_json(path)
        try:
            return ParentRewards(measured["mean"], measured["deviation"])
        except (KeyError, TypeError):
            raise InputError(f"{path}: not from `simagents calibrate`.") from None


@runtime_checkable
class Control(Protocol):
    """A coefficient, constant or changing after every step."""

    value: float

    def follow(self, numbers: dict[str, float]) -> None:
        """Take in the step's logged numbers, which are the same on all processes."""
        ...


@dataclass
class Fixed:
    """A coefficient that stays."""

    value: float

    def follow(self, numbers: dict[str, float]) -> None:
        pass


@dataclass
class RunningThreshold:
    """MPO's α as a running mean of the rewards (an experiment of our own; the paper's is fixed).

    α += rate (reward + offset - α) after each step, so that a step's threshold does not depend on
    its own rollouts and biases no gradient. It starts from the parent's measured mean.
    """

    value: float
    rate: float
    offset: float

    def follow(self, numbers: dict[str, float]) -> None:
        self.value += self.rate * (numbers["reward"] + self.offset - self.value)


@dataclass
class AdaptiveWeight:
    """β that keeps the divergence near a target.

    β ← clip(β exp((KL / target - 1) / patience), least, most) after each step, as in Ziegler et al.
    2019, arXiv:1909.08593, but exponential. RLFTSim names a target of 0.01 nats; patience 5
    and limits 1e-3 and 1e3 are those of a public re-implementation of it.
    """

    value: float
    settings: DivergenceTarget

    def follow(self, numbers: dict[str, float]) -> None:
        # One step changes β by no more than the limits allow; the exponent must not overflow first.
        settings = self.settings
        exponent = min((numbers["kl"] / settings.target - 1) / settings.patience, 50.0)
        self.value = min(max(self.value * exp(exponent), settings.least), settings.most)


def weight_control(divergence: Divergence) -> Control:
    """The control of β."""
    if isinstance(divergence.beta, DivergenceTarget):
        return AdaptiveWeight(divergence.beta.start, divergence.beta)
    return Fixed(divergence.beta)


def threshold_control(credit: CreditSettings, parent: ParentRewards | None) -> Control | None:
    """The control of α; None for rules without one."""
    if isinstance(credit, RunningMean):
        offset = credit.alpha.parent_mean
        return RunningThreshold(round(parent.mean + offset, 6), credit.rate, offset)
    if isinstance(credit, Constant):
        return Fixed(_threshold(credit.alpha, parent))
    return None


def divisor(credit: CreditSettings, parent: ParentRewards | None) -> float:
    """What advantages over a threshold are divided by."""
    if not isinstance(credit, Constant):
        return 1.0
    return parent.spread if credit.divide_by == "parent_deviation" else credit.divide_by


def value_start(value: Value, parent: ParentRewards | None) -> float:
    """The value of every state before training."""
    return parent.mean if value.start == "parent_mean" else value.start


def _threshold(alpha: float | ParentMean | ParentDeviations, parent: ParentRewards | None) -> float:
    if isinstance(alpha, float):
        return alpha
    if isinstance(alpha, ParentDeviations):
        return round(parent.mean + alpha.parent_deviations * parent.spread, 6)
    return round(parent.mean + alpha.parent_mean, 6)
