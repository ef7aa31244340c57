"""Rollouts with their rewards, and rows as the padded tensors that losses read."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from simagents.config.algorithms import Sampling
from simagents.models.paths import Paths
from simagents.models.scenes import SceneBatch
from simagents.rewards.reward import Reward, Rewards
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import Batch
from simagents.training.learners.goals import Pursuit
from simagents.training.stopwatch import Stopwatch


@dataclass
class Experience:
    """A batch of rollouts: no gradients, the same in all passes over it."""

    paths: Paths
    """with the supports that actions were drawn among"""
    rewards: Rewards
    scenes: SceneBatch
    """what policies see when the rollouts are learned from"""
    trajectories: list[Tensor] = field(default_factory=list)
    """of each scene [R, A, 80, 4], as `roll_out` has them; where they are still needed"""
    rows: dict[str, Tensor] = field(default_factory=dict)
    """[N, F] or [N, F, P]: evaluations by the reference, the acting policy and the value head"""
    padded: dict[str, Tensor] = field(default_factory=dict)
    """[S, R, A, F] or broadcastable to it: advantages and returns"""
    pursuit: Pursuit | None = None
    """of goals, where agents have some"""

    def valid(self, pad: "Padding") -> Tensor:
        """[S, R, A, F] bool: actions that are learned from, those of rows that have a reward at any step."""
        actions = self.paths.chosen.shape[1]
        valid, counted = pad.valid(actions), self.rewards.counted
        if counted is None:
            return valid
        by_action = (
            counted if counted.shape[-1] == 1 else counted.unflatten(-1, (actions, -1)).any(-1)
        )
        return valid & by_action

    def logged(self, total: float) -> dict[str, Tensor]:
        """This batch's part of the mean reward and of its terms, over `total` rollouts."""
        rollouts = self.rewards.total.shape[1]
        share = self.scenes.scenes * rollouts / total if total else 0.0
        means = self.rewards.means(self.scenes.agents)
        return {name: mean * share for name, mean in means.items()}


def experience(
    actor: nn.Module,
    batch: Batch,
    rollouts: int,
    sampling: Sampling,
    reward: Reward,
    seed: int | np.ndarray,
    watch: Stopwatch,
    without: bool = False,
) -> Experience:
    """Let `actor` act in every scene, `rollouts` times over, and score what it did.

    `without`: score the other rollouts of each rollout's scene, too.
    """
    sampled = roll_out(actor, batch.scenes, rollouts, lambda draws: Sample(draws, sampling), seed)
    watch.lap("sampling")
    rewards = reward(batch.scenarios, sampled.trajectories, without)
    watch.lap("reward")
    return Experience(sampled.paths, rewards, batch.scenes, sampled.trajectories)


class Padding:
    """Rows ordered by (scene, rollout, agent) as [S, R, A, …] with A the most agents of a scene."""

    def __init__(self, scenes: SceneBatch, rollouts: int):
        agent = torch.arange(max(scenes.counts), device=scenes.device)
        self.present = (agent < scenes.agents[:, None])[:, None].expand(-1, rollouts, -1)

    def __call__(self, rows: Tensor) -> Tensor:
        out = rows.new_zeros(*self.present.shape, *rows.shape[1:])
        present = self.present.view(*self.present.shape, *[1] * (rows.dim() - 1))
        return out.masked_scatter(present, rows)

    def valid(self, actions: int) -> Tensor:
        """[S, R, A, F] bool: which places are rows."""
        return self.present[..., None].expand(*self.present.shape, actions)


Pass = Callable[[Paths], dict[str, Tensor]]
"""paths -> rows"""


def in_parts(run: Pass, paths: Paths, rollouts: int, at_once: int) -> dict[str, Tensor]:
    """The rows of `run`, computed for `at_once` rollouts of every scene at a time; 0: for all.

    Only the activations of one part are in memory at a time: the backward pass recomputes those of
    the others, for a third more work.
    """
    if not at_once or at_once >= rollouts:
        return run(paths)
    part = paths.world % rollouts // at_once
    parts, order = [], []
    for number in range(-(-rollouts // at_once)):
        rows = torch.nonzero(part == number).squeeze(-1)
        parts.append(
            torch.utils.checkpoint.checkpoint(
                run, paths.rows(rows), use_reentrant=False, preserve_rng_state=False
            )
        )
        order.append(rows)
    back = torch.cat(order).argsort()
    return {name: torch.cat([rows[name] for rows in parts])[back] for name in parts[0]}
