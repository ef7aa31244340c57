"""Rollouts with their rewards, and how their rows become tensors that losses can read."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn

from simagents.models.batch import Paths, SceneBatch
from simagents.models.distribution import Sampling
from simagents.rewards.realism import RealismReward
from simagents.simulation.choice import DrawKeys, Sample
from simagents.simulation.rollout import by_scene, roll_out, to_world_frame
from simagents.training.batches import Batch
from simagents.training.stopwatch import Stopwatch


@dataclass
class Experience:
    """What a batch of rollouts leaves behind: no gradients, the same in all passes over it."""

    paths: Paths
    support: Int64[Tensor, "N F K"]
    """tokens that could have been drawn at each of the F simulated steps"""
    reward: Float32[Tensor, "S R"]
    parts: dict[str, Tensor]
    """of the reward, for the log; each [S, R]"""
    rows: dict[str, Tensor] = field(default_factory=dict)
    """[N, F] or [N, F, K]: what reference, acting policy and value head thought of it"""

    @property
    def chosen(self) -> Int64[Tensor, "N F"]:
        """The tokens that were drawn."""
        return self.paths.token[:, -self.support.shape[1] :]

    def logged(self, total: float) -> dict[str, Tensor]:
        """This batch's part of the mean reward, and of what it is made of, over `total` rollouts."""
        share = self.reward.numel() / total if total else 0.0
        parts = {"reward": self.reward, **self.parts}
        return {name: part.double().mean() * share for name, part in parts.items()}


def experience(
    actor: nn.Module,
    batch: Batch,
    rollouts: int,
    sampling: Sampling,
    reward: RealismReward,
    seed: int | np.ndarray,
    watch: Stopwatch,
) -> Experience:
    """Let `actor` act in every scene, `rollouts` times over, and score what it did."""
    scenes, supports = batch.scenes, []

    def choice_of(paths: Paths) -> Sample:
        return Sample(DrawKeys(seed, batch.ids, scenes, paths), sampling, supports)

    sampled = roll_out(actor, scenes, rollouts, choice_of)
    watch.lap("sampling")
    trajectories = map(to_world_frame, batch.scenarios, by_scene(sampled, scenes, rollouts))
    rewards, parts = reward(batch.scenarios, list(trajectories))
    watch.lap("reward")
    return Experience(sampled.paths, torch.stack(supports, dim=1), rewards, parts)


class Padding:
    """Rows ordered by (scene, rollout, agent) as [S, R, A, …] with A the most agents of a scene."""

    def __init__(self, scenes: SceneBatch, rollouts: int):
        counts = torch.bincount(scenes.agent_scene, minlength=scenes.scenes)
        agent = torch.arange(int(counts.max()), device=counts.device)
        self.there = (agent < counts[:, None])[:, None].expand(-1, rollouts, -1)

    def __call__(self, rows: Tensor) -> Tensor:
        out = rows.new_zeros(*self.there.shape, *rows.shape[1:])
        return out.masked_scatter(self.there.view(*self.there.shape, *[1] * (rows.dim() - 1)), rows)


def rows_of(paths: Paths, which: Tensor) -> Paths:
    """Some rows of the paths."""
    return replace(
        paths,
        **{
            name: getattr(paths, name)[which]
            for name in ("agent", "world", "token", "pose", "valid")
        },
    )


Pass = Callable[[Paths, Tensor, Tensor], dict[str, Tensor]]
"""(paths, support, chosen) -> rows"""


def in_parts(run: Pass, paths: Paths, support: Tensor, rollouts: int, at_once: int) -> dict:
    """The rows of `run`, computed for `at_once` rollouts of every scene at a time; 0: for all.

    The activations of one part are in memory at once: those of the others are computed anew when
    their gradient is wanted, for a third more work.
    """
    chosen = paths.token[:, -support.shape[1] :]
    if not at_once or at_once >= rollouts:
        return run(paths, support, chosen)
    part = paths.world % rollouts // at_once
    found, order = [], []
    for number in range(-(-rollouts // at_once)):
        mine = torch.nonzero(part == number).squeeze(-1)
        found.append(
            torch.utils.checkpoint.checkpoint(
                run,
                rows_of(paths, mine),
                support[mine],
                chosen[mine],
                use_reentrant=False,
                preserve_rng_state=False,
            )
        )
        order.append(mine)
    back = torch.cat(order).argsort()
    return {name: torch.cat([rows[name] for rows in found])[back] for name in found[0]}
