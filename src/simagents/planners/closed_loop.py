"""Planners among simulated agents: every planner in every scene, closed loop."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from simagents.models.paths import Worlds
from simagents.models.scenes import SceneBatch
from simagents.planners.planner import Planner, PlannerDriver
from simagents.planners.reward import Returns, returns
from simagents.planners.surroundings import Surroundings
from simagents.scenarios.scenario import CURRENT, SIMULATED
from simagents.simulation.controller import Controller
from simagents.simulation.simulator import run


@dataclass(frozen=True)
class Drives:
    """What the drives of one scene came to: W = planners x rollouts, by planner."""

    returns: Returns
    rollouts: int


@torch.no_grad()
def drive_planners(
    scenes: SceneBatch,
    surroundings: Sequence[Surroundings],
    planners: Sequence[Planner],
    traffic: Controller,
    rollouts: int,
    present: Bool[Tensor, "A 81"] | None = None,
) -> list[Drives]:
    """Every planner drives the SDC of every scene for 8 s, `rollouts` times over, while `traffic` moves
    all other agents: a world for each (scene, planner, rollout), all simulated at once.

    A policy encodes each scene once for all of these worlds. Planners decide every 0.1 s, whatever
    the interval of the traffic is. Other agents that are not `present` at a step, of which the first is the
    current one, are hidden from planners and cannot be met. The traffic itself still moves and observes
    all of them.
    """
    members = sum(len(each.names) for each in planners)
    worlds = Worlds.of(scenes, members * rollouts)
    device = scenes.device
    number = torch.arange(scenes.scenes * members * rollouts, device=device)
    member = number // rollouts % members
    others = torch.nonzero(~scenes.is_sdc[worlds.agent]).squeeze(-1)
    parts, first = [], 0
    if len(others):
        parts.append((others, traffic.take_over(scenes, worlds, others)))
    for planner in planners:
        within = (member >= first) & (member < first + len(planner.names))
        chosen = torch.nonzero(within).squeeze(-1)
        driver = PlannerDriver(
            planner, surroundings, scenes, worlds, chosen, member[chosen] - first, present
        )
        parts.append((driver.rows, driver))
        first += len(planner.names)
    path = run(scenes, worlds, parts)
    scored, agents = [], scenes.counts
    for scene, part in enumerate(path.split([count * members * rollouts for count in agents])):
        rows = torch.nonzero(scenes.agent_scene == scene).squeeze(-1)
        poses = part.view(members * rollouts, len(rows), SIMULATED, 4)[..., [0, 1, 3]]
        sdc = scenes.is_sdc[rows]
        found = returns(
            surroundings[scene],
            scenes.pose[rows[sdc]][0, CURRENT],
            poses[:, sdc][:, 0],
            poses[:, ~sdc].transpose(1, 2),
            scenes.agent_size[rows[sdc]][0],
            scenes.agent_size[rows[~sdc]],
            None if present is None else present[rows[~sdc], 1:],
        )
        scored.append(Drives(found, rollouts))
    return scored


def logged(scenes: SceneBatch) -> Bool[Tensor, "A 81"]:
    """Whether the log shows each agent at the current and at each simulated step."""
    return scenes.valid[:, CURRENT:]
