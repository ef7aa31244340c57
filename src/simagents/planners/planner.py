"""The interface of planners: what they see at every decision, and how a simulation obeys them.

A planner moves the SDC, alone or as one of a set of planners that plan at once because that is faster.
`docs/extending.md` has an example.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from simagents.geometry import unit_vector
from simagents.models.paths import AgentState, Motion, Worlds
from simagents.models.scenes import SceneBatch
from simagents.planners.surroundings import Surroundings
from simagents.scenarios.scenario import CURRENT
from simagents.simulation.controller import Traffic


@dataclass(frozen=True, eq=False)
class PlannedWorlds:
    """W worlds in which the SDC is driven by planners of one set, one in each."""

    scenes: Sequence[Surroundings]
    scene: Int64[Tensor, "W"]
    """number of each world's scene"""
    member: Int64[Tensor, "W"]
    """number of the planner, in the order of the set's names"""
    size: Float[Tensor, "W 3"]
    """length, width and height of the SDC (m)"""


@dataclass(frozen=True, eq=False)
class View:
    """What planners see at a decision. Places are metres in the frame of each world's scene."""

    step: int
    """log steps of 0.1 s since the current one"""
    sdc: AgentState
    """W rows, one for each world"""
    speed: Float[Tensor, "W"]
    """m/s at which the SDC's last motion ended, along its heading"""
    others: AgentState
    """all other agents that are there, by world"""
    world: Int64[Tensor, "n"]
    """the world of each of the others"""


Decide = Callable[[View], Motion]
"""The motion of the SDC in the next 0.1 s in every world: poses [W, 1, 3], and its velocity at the end."""


@runtime_checkable
class Planner(Protocol):
    """A planner, or a set of planners that plan at once."""

    names: tuple[str, ...]
    """one for each planner of the set; a planner alone has one"""

    def start(self, worlds: PlannedWorlds) -> Decide:
        """How it decides in these worlds, from the current step on."""
        ...


class PlannerDriver:
    """The SDC of some worlds in one simulation, moved by a planner every 0.1 s."""

    log_steps = 1

    def __init__(
        self,
        planner: Planner,
        surroundings: Sequence[Surroundings],
        scenes: SceneBatch,
        worlds: Worlds,
        chosen: Int64[Tensor, "W"],
        member: Int64[Tensor, "W"],
        present: Bool[Tensor, "A 81"] | None = None,
    ):
        """`chosen`: worlds that it drives in, ascending. Agents that are not `present` at a step, of which
        the first is the current one, are hidden from the planner. Whoever comes back is seen 0.1 s later: a
        velocity takes two moments."""
        is_sdc = scenes.is_sdc[worlds.agent]
        number = torch.full((int(worlds.world[-1]) + 1,), -1, device=scenes.device)
        number[chosen] = torch.arange(len(chosen), device=scenes.device)
        place = number[worlds.world]
        self.rows = torch.nonzero(is_sdc & (place >= 0)).squeeze(-1)
        self._others = torch.nonzero(~is_sdc & (place >= 0)).squeeze(-1)
        self._world = place[self._others]
        agent = worlds.agent[self.rows]
        self._seen = None if present is None else _seen(present)[worlds.agent[self._others]]
        heading = scenes.pose[agent, CURRENT, 2].float()
        velocity = scenes.velocity[agent, CURRENT]
        self._speed = _along(velocity, heading).clamp(min=0)
        self._decide = planner.start(
            PlannedWorlds(surroundings, scenes.agent_scene[agent], member, scenes.agent_size[agent])
        )

    def __call__(self, traffic: Traffic) -> Motion:
        others, world = self._others, self._world
        if self._seen is not None:
            there = torch.nonzero(self._seen[:, traffic.step]).squeeze(-1)
            others, world = others[there], world[there]
        motion = self._decide(
            View(
                traffic.step,
                traffic.state.rows(self.rows),
                self._speed,
                traffic.state.rows(others),
                world,
            )
        )
        # The simulation's velocities are differences of places, half a step behind.
        self._speed = _along(motion.velocity, motion.pose[:, -1, 2])
        return motion


def _seen(present: Bool[Tensor, "A 81"]) -> Bool[Tensor, "A 81"]:
    """Where an agent is present and was so 0.1 s ago; velocities of the current step come with it."""
    return present & torch.cat([present[:, :1], present[:, :-1]], dim=1)


def _along(velocity: Tensor, heading: Tensor) -> Tensor:
    return (velocity * unit_vector(heading)).sum(dim=-1)
