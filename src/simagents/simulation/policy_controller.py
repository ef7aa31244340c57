"""Agents that a policy moves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from simagents.models.paths import AgentState, Motion, Paths, Worlds
from simagents.models.policy import Policy
from simagents.models.scenes import SceneBatch
from simagents.scenarios.scenario import STEP_SECONDS
from simagents.simulation.choice import Choice
from simagents.simulation.controller import Traffic
from simagents.simulation.draws import DrawKeys


@dataclass(frozen=True)
class PolicyController:
    """A policy, and how its actions are chosen."""

    policy: Policy
    choice_of: Callable[[DrawKeys], Choice]
    seed: int | np.ndarray
    """of the draws; one for all scenes, or one for each"""
    rollouts: int | None = None
    """the draws of a scene's worlds repeat after so many; None: they never do"""

    def take_over(
        self, scenes: SceneBatch, worlds: Worlds, rows: Int64[Tensor, "n"]
    ) -> "PolicyDriver":
        return PolicyDriver(self, scenes, worlds, rows)


class PolicyDriver:
    """One simulation of a policy, with a record of its actions.

    The policy observes all agents. For those that other controllers move, it observes the action
    nearest to their motion. All rollouts of a scene share one encoding of its map and of its history.
    """

    def __init__(
        self, controller: PolicyController, scenes: SceneBatch, worlds: Worlds, rows: Tensor
    ):
        self.policy, self.rows = controller.policy, rows
        self.log_steps = self.policy.actions.log_steps
        self.moves_all = len(rows) == len(worlds.agent)
        mine = torch.zeros_like(worlds.agent, dtype=torch.bool).index_fill_(0, rows, True)
        self.others = torch.nonzero(~mine).squeeze(-1)
        draws = DrawKeys(controller.seed, scenes, worlds, controller.rollouts)
        self.choice = controller.choice_of(draws)
        self.past = self.policy.history_paths(scenes, worlds)
        if self.policy.latent_draws:
            latent = draws.latent(self.policy.latent_draws)
            self.past = replace(self.past, latent=latent)
        state, distribution = self.policy.begin(scenes)
        self.state, self.distribution = self.policy.branch(state, distribution, self.past)
        self.agents = self.past.state(scenes, -1)
        self.actions: list[Tensor] = []
        self.ends: list[AgentState] = []
        self.supports: list[Tensor] = []

    def __call__(self, traffic: Traffic) -> Motion:
        if traffic.step:
            self._observe(traffic)
        self.were = traffic.state.pose
        number = self.past.history + len(self.actions)
        action, support = self.choice(self.distribution, number, self.agents)
        motion = self.policy.actions.step(self.agents, action)
        self.actions.append(action)
        self.ends.append(replace(self.agents, pose=motion.pose[:, -1], velocity=motion.velocity))
        if support is not None:
            self.supports.append(support)
        return motion if self.moves_all else motion.rows(self.rows)

    def _observe(self, traffic: Traffic) -> None:
        action, agents = self.actions[-1], self.ends[-1]
        if not self.moves_all:
            others = self.others
            executed = self.policy.actions.nearest(
                self.agents.rows(others), traffic.state.pose[others]
            )
            action = action.index_copy(0, others, executed)
            pose = traffic.state.pose.index_copy(0, self.rows, agents.pose[self.rows])
            # As in training, the mean over an action, and not the traffic's, which is of the last 0.1 s.
            seconds = self.log_steps * STEP_SECONDS
            mean = (traffic.state.pose - self.were)[:, :2] / seconds
            velocity = mean.index_copy(0, self.rows, agents.velocity[self.rows])
            agents = replace(agents, pose=pose, velocity=velocity)
            self.actions[-1], self.ends[-1] = action, agents
        self.agents = agents
        self.state, self.distribution = self.policy.observe(self.state, action, agents)

    def paths(self) -> Paths:
        """The actions of all rows, history included, for a pass of the policy with gradients."""
        past = self.past
        ends = [
            torch.stack([getattr(end, key) for end in self.ends], 1) for key in ("pose", "velocity")
        ]
        future = torch.ones_like(past.valid[:, :1]).expand(-1, len(self.actions))
        return replace(
            past,
            action=torch.cat([past.action, torch.stack(self.actions, 1)], 1),
            pose=torch.cat([past.pose, ends[0]], 1),
            velocity=torch.cat([past.velocity, ends[1]], 1),
            valid=torch.cat([past.valid, future], 1),
            support=torch.stack(self.supports, 1) if self.supports else None,
        )
