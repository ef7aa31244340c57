"""Coefficients that follow what a run sees; their value is part of the state that it resumes from."""

from dataclasses import dataclass
from math import exp
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Control(Protocol):
    """A coefficient that changes after every step."""

    value: float

    def learned(self, numbers: dict[str, float]) -> None:
        """Take in the step's logged numbers, which are the same on all processes."""
        ...


@dataclass
class RunningMean:
    """MPO's α as a running mean of the rewards (an experiment of our own; the paper's is fixed).

    α += rate (reward + offset - α) after each step, so that a step's threshold does not depend on
    its own rollouts and biases no gradient. It starts from the parent's measured mean.
    """

    value: float
    rate: float
    offset: float

    def learned(self, numbers: dict[str, float]) -> None:
        self.value += self.rate * (numbers["reward"] + self.offset - self.value)


@dataclass
class DivergenceTarget:
    """β that keeps the divergence near a target.

    β ← clip(β exp((KL / target - 1) / patience), least, most) after each step, as in Ziegler et al.
    2019, arXiv:1909.08593, but exponential. RLFTSim names a target of 0.01 nats; patience 5
    and limits 1e-3 and 1e3 are those of a public re-implementation of it.
    """

    value: float
    target: float
    patience: float
    least: float
    most: float

    def learned(self, numbers: dict[str, float]) -> None:
        # One step changes β by no more than the limits allow; the exponent must not overflow first.
        pull = min((numbers["kl"] / self.target - 1) / self.patience, 50.0)
        self.value = min(max(self.value * exp(pull), self.least), self.most)


def control_of(name: str, given: Any, resolved: float | None) -> Control | None:
    """The control behind a coefficient's value in the recipe; None where it is a plain number."""
    if name == "alpha" and isinstance(given, dict) and "running_mean" in given:
        return RunningMean(float(resolved), given["running_mean"], given["parent_mean"])
    if name == "beta" and isinstance(given, dict):
        rest = {key: given[key] for key in ("target", "patience", "least", "most")}
        return DivergenceTarget(given["start"], **rest)
    return None
