"""Closed-loop rollouts in which one policy moves every agent."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.models.paths import Paths, Worlds
from simagents.models.policy import Policy
from simagents.models.scenes import SceneBatch
from simagents.simulation.choice import Choice
from simagents.simulation.draws import DrawKeys
from simagents.simulation.policy_controller import PolicyController
from simagents.simulation.simulator import by_scene, run


@dataclass(frozen=True)
class Rollouts:
    """The policy's rollouts in all worlds: actions to learn from, trajectories to score."""

    paths: Paths
    """the agents of scene s in rollout r are consecutive rows"""
    trajectories: list[Float32[Tensor, "R _ 80 4"]]
    """of each scene: x, y, z, heading in the world frame at steps 11 to 90"""


@torch.no_grad()
def roll_out(
    policy: Policy,
    scenes: SceneBatch,
    rollouts: int,
    choice_of: Callable[[DrawKeys], Choice],
    seed: int | np.ndarray = 0,
) -> Rollouts:
    """Simulate every agent of every scene for 8 s, `rollouts` times over.

    No gradients: learning goes through one pass of `policy` over the returned paths. `seed` is of
    the draws, one for all scenes or one for each.
    """
    worlds = Worlds.of(scenes, rollouts)
    everyone = torch.arange(len(worlds.agent), device=scenes.device)
    driver = PolicyController(policy, choice_of, seed).take_over(scenes, worlds, everyone)
    path = run(scenes, worlds, [(everyone, driver)])
    return Rollouts(driver.paths(), by_scene(path, scenes, worlds))
