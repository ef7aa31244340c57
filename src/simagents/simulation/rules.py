"""Agents that follow a rule: what any learned simulator has to beat, and what none can."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from simagents.models.paths import Motion, Worlds
from simagents.models.scenes import SceneBatch
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS
from simagents.simulation.controller import Controller, Driver, Traffic
from simagents.simulation.intelligent_driver import IntelligentDriver


@dataclass(frozen=True)
class Planned:
    """A driver of rows whose whole future is computed at the start."""

    motion: Motion
    log_steps = SIMULATED

    def __call__(self, traffic: Traffic) -> Motion:
        return self.motion


class ConstantVelocity:
    """Everyone keeps the velocity and heading of the current step."""

    def take_over(self, scenes: SceneBatch, worlds: Worlds, rows: Int64[Tensor, "n"]) -> Driver:
        agent = worlds.agent[rows]
        pose, velocity = scenes.pose[agent, CURRENT], scenes.velocity[agent, CURRENT]
        seconds = torch.arange(1, SIMULATED + 1, device=agent.device)[:, None] * STEP_SECONDS
        place = pose[:, None, :2] + velocity[:, None].to(pose.dtype) * seconds
        heading = pose[:, None, 2:].expand(-1, SIMULATED, 1)
        return Planned(Motion(torch.cat([place, heading], dim=-1), velocity))


class StandStill:
    """Everyone stops at once and for good: what the metric pays for doing nothing."""

    def take_over(self, scenes: SceneBatch, worlds: Worlds, rows: Int64[Tensor, "n"]) -> Driver:
        agent = worlds.agent[rows]
        pose = scenes.pose[agent, CURRENT]
        return Planned(
            Motion(
                pose[:, None].expand(-1, SIMULATED, 3), torch.zeros_like(scenes.velocity[agent, 0])
            )
        )


class Braking:
    """Everyone keeps its direction and slows down at 4 m/s² until it stands."""

    deceleration = 4.0

    def take_over(self, scenes: SceneBatch, worlds: Worlds, rows: Int64[Tensor, "n"]) -> Driver:
        agent = worlds.agent[rows]
        pose, velocity = scenes.pose[agent, CURRENT], scenes.velocity[agent, CURRENT].double()
        speed = velocity.norm(dim=-1, keepdim=True)
        seconds = torch.arange(1, SIMULATED + 1, device=agent.device) * STEP_SECONDS
        moving = torch.minimum(seconds.double(), speed / self.deceleration)
        distance = speed * moving - 0.5 * self.deceleration * moving**2
        direction = velocity / speed.clamp(min=1e-9)
        place = pose[:, None, :2] + distance[..., None] * direction[:, None]
        heading = pose[:, None, 2:].expand(-1, SIMULATED, 1)
        path = torch.cat([place, heading], dim=-1)
        slowed = (speed - self.deceleration * SIMULATED * STEP_SECONDS).clamp(min=0)
        return Planned(Motion(path, (slowed * direction).float()))


class LogPlayback:
    """The log; where it has lost an agent, the agent stands still."""

    def take_over(self, scenes: SceneBatch, worlds: Worlds, rows: Int64[Tensor, "n"]) -> Driver:
        agent = worlds.agent[rows]
        steps = torch.arange(CURRENT, CURRENT + 1 + SIMULATED, device=agent.device)
        # The last valid step up to each step, from the current one on.
        seen = torch.where(scenes.valid[agent][:, steps], steps, 0)
        last = seen.cummax(dim=1).values[:, 1:]
        row = agent[:, None]
        return Planned(
            Motion(
                scenes.pose[row, last],
                scenes.velocity[row, last][:, -1],
                scenes.height[row, last],
            )
        )


RULES: dict[str, Callable[[int, int], Controller]] = {
    "log": lambda seed, rollouts: LogPlayback(),
    "constant_velocity": lambda seed, rollouts: ConstantVelocity(),
    "braking": lambda seed, rollouts: Braking(),
    "stand_still": lambda seed, rollouts: StandStill(),
    "intelligent_driver": IntelligentDriver,
}
"""Controllers without weights, by the names that tables use: made from the seed of their draws and from
the number of worlds after which a scene's draws repeat. Most draw nothing."""
