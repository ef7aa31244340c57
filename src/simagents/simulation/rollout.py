"""Closed-loop rollouts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from simagents.models.batch import Paths, SceneBatch, history_paths
from simagents.models.policy import Policy
from simagents.scenarios.scenario import CURRENT, SIMULATED, Scenario
from simagents.simulation.choice import Choice
from simagents.tokens.vocabulary import HISTORY_TOKENS, SUBSTEPS, TOKEN_STEPS


@dataclass(frozen=True)
class Rollouts:
    """What the policy did in every world: tokens to learn from, poses to score."""

    paths: Paths
    """all T tokens; the agents of scene s in rollout r are consecutive rows"""
    poses: Float32[Tensor, "N 80 3"]
    """x, y, heading at steps 11 to 90, metres from each scene's origin"""


@torch.no_grad()
def roll_out(
    policy: Policy,
    scenes: SceneBatch,
    rollouts: int,
    choice_of: Callable[[Paths], Choice],
) -> Rollouts:
    """Simulate every agent of every scene for 8 s, `rollouts` times over.

    All rollouts of a scene share one encoding of its map and of its history. No gradients: learning
    goes through one pass of `policy` over the returned paths.
    """
    past = history_paths(scenes, 1)
    state = policy.begin(scenes, past)
    for step in range(HISTORY_TOKENS):
        state, distribution = policy.observe(
            state, past.token[:, step], past.pose[:, step], past.valid[:, step]
        )
    paths = history_paths(scenes, rollouts)
    state, distribution = policy.branch(state, paths), distribution.rows(paths.agent)
    choice = choice_of(paths)
    agent_class = scenes.agent_class[paths.agent]
    pose = paths.pose[:, -1]
    tokens, poses, fine = [paths.token], [paths.pose], []
    everywhere = torch.ones(len(pose), dtype=torch.bool, device=pose.device)
    for step in range(HISTORY_TOKENS, TOKEN_STEPS):
        token = choice(distribution, step, agent_class, pose)
        motion = policy.actions.move(agent_class, pose, token)
        pose = motion[:, -1]
        tokens.append(token[:, None])
        poses.append(pose[:, None])
        fine.append(motion)
        if step + 1 < TOKEN_STEPS:
            state, distribution = policy.observe(state, token, pose, everywhere)
    future = everywhere[:, None].expand(-1, TOKEN_STEPS - HISTORY_TOKENS)
    paths = Paths(
        paths.agent,
        paths.world,
        torch.cat(tokens, 1),
        torch.cat(poses, 1),
        torch.cat([paths.valid, future], 1),
    )
    result = torch.cat(fine, dim=1)
    assert result.shape[1] == SIMULATED == (TOKEN_STEPS - HISTORY_TOKENS) * SUBSTEPS
    return Rollouts(paths, result)


def by_scene(
    rollouts: Rollouts, scenes: SceneBatch, worlds: int
) -> list[Float32[Tensor, "R _ 80 3"]]:
    """The poses of each scene's `worlds` rollouts."""
    counts = torch.bincount(scenes.agent_scene, minlength=scenes.scenes).tolist()
    parts = rollouts.poses.split([worlds * count for count in counts])
    return [part.view(worlds, -1, *part.shape[1:]) for part in parts]


def to_world_frame(
    scenario: Scenario, poses: Float[Tensor, "R A 80 3"]
) -> Float32[Tensor, "R A 80 4"]:
    """One scene's poses as the metric and the challenge want them: x, y, z, heading in the world.

    Poses are in metres from the SDC at the current step, headings as in the world. z stays at its
    value of the current step: the models move agents in the plane.
    """
    origin = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
    x = (poses[..., 0].double() + origin[0]).float()
    y = (poses[..., 1].double() + origin[1]).float()
    height = torch.from_numpy(scenario.position[scenario.simulated, CURRENT, 2]).to(poses.device)
    return torch.stack([x, y, height[:, None].expand_as(x), poses[..., 2]], dim=-1)
