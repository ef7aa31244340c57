"""Closed-loop simulation in which every agent has a controller."""

from collections.abc import Sequence
from math import gcd

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from simagents.models.paths import AgentState, Worlds
from simagents.models.scenes import SceneBatch
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS
from simagents.simulation.controller import Assignment, Driver, Traffic


@torch.no_grad()
def simulate(
    scenes: SceneBatch, rollouts: int, assignments: Sequence[Assignment]
) -> list[Float32[Tensor, "R _ 80 4"]]:
    """The next 8 s of every scene, `rollouts` times over: x, y, z, heading in the world frame.

    Every agent is moved by exactly one controller. Controllers act at their own rates and get the
    state of all agents at that moment. z keeps its value of the current step unless a controller
    sets it: policies move agents in the plane.
    """
    worlds = Worlds.of(scenes, rollouts)
    movers = torch.stack([one.agents for one in assignments]).sum(dim=0)
    if not (movers == 1).all():
        raise ValueError("every agent needs exactly one controller")
    parts = []
    for one in assignments:
        rows = torch.nonzero(one.agents[worlds.agent]).squeeze(-1)
        if len(rows):
            parts.append((rows, one.controller.take_over(scenes, worlds, rows)))
    return by_scene(run(scenes, worlds, parts), scenes, worlds)


def run(
    scenes: SceneBatch, worlds: Worlds, parts: Sequence[tuple[Tensor, Driver]]
) -> Float64[Tensor, "N 80 4"]:
    """x, y, z, heading of every row; x and y in metres from the scene's origin. Double precision, so
    that the world frame's float32 comes back to the last bit."""
    agent = worlds.agent
    # Two moments before the first step, so that a velocity is the difference of the last two.
    path = scenes.pose.new_empty(len(agent), SIMULATED + 2, 4)
    now = scenes.pose[agent, CURRENT]
    ago = now[:, :2] - scenes.velocity[agent, CURRENT].to(path.dtype) * STEP_SECONDS
    path[:, :, 2] = scenes.height[agent, CURRENT, None].to(path.dtype)
    path[:, 0, :2], path[:, 0, 3] = ago, now[:, 2]
    path[:, 1, :2], path[:, 1, 3] = now[:, :2], now[:, 2]
    body = scenes.agent_size[agent], scenes.agent_class[agent], scenes.agent_axis[agent]
    for step in range(0, SIMULATED, gcd(*(driver.log_steps for _, driver in parts))):
        traffic = Traffic(step, AgentState(*_motion(path[:, step : step + 2]), *body))
        for rows, driver in parts:
            if step % driver.log_steps:
                continue
            motion = driver(traffic)
            length = min(driver.log_steps, SIMULATED - step)
            during = slice(step + 2, step + 2 + length)
            path[rows, during, :2] = motion.pose[:, :length, :2].to(path.dtype)
            path[rows, during, 3] = motion.pose[:, :length, 2].to(path.dtype)
            if motion.height is not None:
                path[rows, during, 2] = motion.height[:, :length].to(path.dtype)
    return path[:, 2:]


def _motion(last: Float64[Tensor, "N 2 4"]) -> tuple[Tensor, Tensor]:
    """Pose and velocity of the last of two moments."""
    velocity = (last[:, 1, :2] - last[:, 0, :2]) / STEP_SECONDS
    return torch.cat([last[:, 1, :2], last[:, 1, 3:]], dim=-1).float(), velocity.float()


def by_scene(
    path: Float64[Tensor, "N 80 4"], scenes: SceneBatch, worlds: Worlds
) -> list[Float32[Tensor, "R _ 80 4"]]:
    """The rollouts of each scene, as the metric and the challenge need them: in the world frame."""
    parts = path.split([count * worlds.rollouts for count in scenes.counts])
    return [
        _in_world(part.view(worlds.rollouts, -1, *part.shape[1:]), origin)
        for part, origin in zip(parts, scenes.origin, strict=True)
    ]


def _in_world(path: Tensor, origin: Tensor) -> Tensor:
    x, y, height, heading = path.unbind(-1)
    return torch.stack([x + origin[0], y + origin[1], height, heading], dim=-1).float()
