"""Controllers, and the agents that each one moves."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Int64
from torch import Tensor

from simagents.models.paths import AgentState, Motion, Worlds
from simagents.models.scenes import SceneBatch


@dataclass(frozen=True)
class Traffic:
    """All agents of all worlds at one moment of a simulation."""

    step: int
    """log steps of 0.1 s since the current one"""
    state: AgentState
    """rows as in the simulation's `Worlds`"""


@runtime_checkable
class Driver(Protocol):
    """A controller in one simulation: moves its rows, `log_steps` steps at a time."""

    log_steps: int

    def __call__(self, traffic: Traffic) -> Motion:
        """The motion of its n rows during the next `log_steps` steps."""
        ...


@runtime_checkable
class Controller(Protocol):
    """A policy, the log, a rule or a planner: anything that can move agents."""

    def take_over(self, scenes: SceneBatch, worlds: Worlds, rows: Int64[Tensor, "n"]) -> Driver:
        """A driver of these rows of the simulation, from the current step on."""
        ...


@dataclass(frozen=True)
class Assignment:
    """A controller, and which agents of the batch it moves."""

    controller: Controller
    agents: Bool[Tensor, "A"]
