"""Agents that follow a rule: what any learned simulator has to beat, and what none can."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from simagents.models.paths import Motion, Worlds
from simagents.models.scenes import SceneBatch
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS
from simagents.simulation.controller import Driver, Traffic


@dataclass(frozen=True)
class Planned:
    """A driver of rows whose whole future is known when it takes over."""

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


class LogPlayback:
    """What really happened, the metric's ceiling; where the log lost an agent it stands still."""

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


RULES = {"log": LogPlayback, "constant_velocity": ConstantVelocity}
"""Controllers without weights, by the names that tables use."""
