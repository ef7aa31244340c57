"""The log as actions: what policies that read plain states, and no tokens, have in common."""

import torch
from jaxtyping import Bool
from torch import Tensor

from simagents.models.paths import AgentState, LoggedStates, Paths, Worlds
from simagents.models.policy import ActionSpace
from simagents.models.scenes import SceneBatch
from simagents.scenarios.roles import CONTEXT_WITHIN
from simagents.scenarios.scenario import CURRENT, STEPS


class LogPolicy:
    """The part of a `Policy` that turns the 10 Hz log into actions.

    Each action is the one of `actions` that ends nearest to the agent's next logged pose, as seen
    from where the actions before it have led. After a gap in the log an agent starts again from its
    logged state; at the current step all agents do, so that simulations start from the log.
    """

    actions: ActionSpace
    history: int
    """actions before the current step; they span at most ten log steps"""
    latent_draws = 0

    def logged_states(self, scenes: SceneBatch) -> LoggedStates:
        """The log at the moments between actions."""
        moments = self._moments()
        sdc = scenes.pose[scenes.is_sdc][scenes.agent_scene]
        away = (scenes.pose[..., :2] - sdc[..., :2]).norm(dim=-1)[:, moments]
        return LoggedStates(
            scenes.pose[:, moments].float(), scenes.valid[:, moments], away < CONTEXT_WITHIN
        )

    def logged_paths(self, scenes: SceneBatch) -> Paths:
        """The whole log, one world for each scene; invalid where training does not look."""
        log = self.logged_states(scenes)
        return self._paths(scenes, Worlds.of(scenes, 1), log, log.valid & log.in_range)

    def history_paths(self, scenes: SceneBatch, worlds: Worlds) -> Paths:
        """The history of every row, however far the agent is from the SDC."""
        log = self.logged_states(scenes)
        return self._paths(scenes, worlds, log, log.valid[:, : self.history + 1])

    def _moments(self) -> Tensor:
        """Log steps between actions: the current one, and every `log_steps` before and after it."""
        first = CURRENT - self.history * self.actions.log_steps
        if first < 0:
            raise ValueError("the history spans more than the ten log steps before the current one")
        return torch.arange(first, STEPS, self.actions.log_steps)

    def _paths(
        self, scenes: SceneBatch, worlds: Worlds, log: LoggedStates, valid: Bool[Tensor, "A B"]
    ) -> Paths:
        """Actions between the first B moments; valid where both ends are."""
        velocity = scenes.velocity[:, self._moments()]
        both = valid[:, :-1] & valid[:, 1:]
        actions, poses, velocities = [], [], []
        pose, speed = log.pose[:, 0], velocity[:, 0]
        for step in range(both.shape[1]):
            seen = both[:, step]
            state = AgentState(
                pose, speed, scenes.agent_size, scenes.agent_class, scenes.agent_axis
            )
            action = self.actions.nearest(state, log.pose[:, step + 1])
            motion = self.actions.step(state, action)
            led = (seen if step + 1 != self.history else torch.zeros_like(seen))[:, None]
            pose = torch.where(led, motion.pose[:, -1], log.pose[:, step + 1])
            speed = torch.where(led, motion.velocity, velocity[:, step + 1])
            actions.append(action.masked_fill(~seen.view(-1, *[1] * (action.dim() - 1)), 0))
            poses.append(pose)
            velocities.append(speed)
        row = worlds.agent
        return Paths(
            agent=row,
            world=worlds.world,
            history=self.history,
            action=torch.stack(actions, dim=1)[row],
            pose=torch.stack(poses, dim=1)[row],
            velocity=torch.stack(velocities, dim=1)[row],
            valid=both[row],
        )
