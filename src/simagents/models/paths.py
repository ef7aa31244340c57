"""Agents' behaviour as actions of a policy, and the state that actions change."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64, Num
from torch import Tensor

from simagents.models.scenes import SceneBatch
from simagents.models.tensors import Tensors


@dataclass(frozen=True, eq=False)
class AgentState(Tensors):
    """N agents at one moment. Metres from each scene's origin, radians, m/s."""

    pose: Float[Tensor, "N 3"]
    """x, y, heading"""
    velocity: Float[Tensor, "N 2"]
    size: Float[Tensor, "N 3"]
    """length, width, height"""
    agent_class: Int64[Tensor, "N"]
    scene_heading: Float[Tensor, "N"] | None = None
    """heading of the scene's own x axis, for action spaces with the axes of the scene"""


@dataclass(frozen=True, eq=False)
class Motion(Tensors):
    """Where an action of K log steps leads N agents."""

    pose: Float[Tensor, "N K 3"]
    """after 0.1, 0.2, … s"""
    velocity: Float[Tensor, "N 2"]
    """at the end"""
    height: Float32[Tensor, "N K"] | None = None
    """z in the world frame, from controllers that set it; None: it does not change"""


@dataclass(frozen=True, eq=False)
class LoggedStates(Tensors):
    """The log at the B moments between a policy's actions: before the first, after each."""

    pose: Float32[Tensor, "A B 3"]
    valid: Bool[Tensor, "A B"]
    in_range: Bool[Tensor, "A B"]
    """near enough to the SDC for training; simulation includes all agents"""


@dataclass(frozen=True, eq=False)
class Paths(Tensors):
    """What N agents did in W worlds: every rollout of a scene is a world, and so is the log.

    Agents of one world interact with one another, and not with those of other worlds. Of the T actions the first
    `history` come from the log and end at the current step.
    """

    agent: Int64[Tensor, "N"]
    """row in the SceneBatch"""
    world: Int64[Tensor, "N"]
    """sorted"""
    history: int
    """at least 1"""
    action: Num[Tensor, "N T *D"]
    """numbers of tokens, or D continuous numbers each"""
    pose: Float[Tensor, "N T 3"]
    """where the agent is after each action"""
    velocity: Float[Tensor, "N T 2"]
    """after each action"""
    valid: Bool[Tensor, "N T"]
    support: Tensor | None = None
    """[N, T - history, K]: candidates of the draw of each simulated action, from its distribution"""
    latent: Float[Tensor, "N L"] | None = None
    """uniform numbers that decide the policy's latents, for policies that have some"""

    @property
    def chosen(self) -> Num[Tensor, "N F *D"]:
        """The actions after the history."""
        return self.action[:, self.history :]

    def until(self, steps: int) -> "Paths":
        """The first `steps` actions."""
        cut = {
            name: getattr(self, name)[:, :steps] for name in ("action", "pose", "velocity", "valid")
        }
        return replace(self, **cut, support=None)

    def state(self, scenes: SceneBatch, action: int) -> AgentState:
        """The agents after that action."""
        return AgentState(
            self.pose[:, action],
            self.velocity[:, action],
            scenes.agent_size[self.agent],
            scenes.agent_class[self.agent],
            scenes.agent_axis[self.agent],
        )

    def states_before_chosen(self, scenes: SceneBatch) -> AgentState:
        """The agents before each action after the history; N x F rows, by agent."""
        before = slice(self.history - 1, -1)
        steps = self.action.shape[1] - self.history
        agent = self.agent.repeat_interleave(steps)
        return AgentState(
            self.pose[:, before].flatten(0, 1),
            self.velocity[:, before].flatten(0, 1),
            scenes.agent_size[agent],
            scenes.agent_class[agent],
            scenes.agent_axis[agent],
        )


@dataclass(frozen=True, eq=False)
class Worlds(Tensors):
    """Which agent of which scene each row of a simulation is; rows by scene, rollout, agent."""

    agent: Int64[Tensor, "N"]
    """row in the SceneBatch"""
    world: Int64[Tensor, "N"]
    """scene x rollouts + rollout"""
    rollouts: int
    """of each scene"""

    @staticmethod
    def of(scenes: SceneBatch, rollouts: int) -> "Worlds":
        """All agents of all scenes, `rollouts` times over."""
        counts = np.array(scenes.counts).repeat(rollouts)
        first = (np.cumsum(scenes.counts) - scenes.counts).repeat(rollouts)
        world = np.arange(len(counts)).repeat(counts)
        place = np.arange(counts.sum()) - (np.cumsum(counts) - counts)[world]
        agent = torch.from_numpy(first[world] + place).to(scenes.device)
        return Worlds(agent, torch.from_numpy(world).to(scenes.device), rollouts)
