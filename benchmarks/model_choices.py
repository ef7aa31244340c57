"""Choices of rolled-out agents that are made as in earnest and then follow the log."""

from dataclasses import dataclass

import torch

from simagents.models.batch import Paths, SceneBatch
from simagents.models.distribution import Sampling
from simagents.models.smart import Smart
from simagents.simulation.choice import Choice, ClosestAmongTop, DrawKeys, Sample

TOP_K = 32


@dataclass(frozen=True)
class Following:
    """Chooses as another does, then goes where the log went; who is not seen stands still."""

    choice: Choice
    token: torch.Tensor

    @classmethod
    def of(cls, choice: Choice, scenes: SceneBatch, paths: Paths) -> "Following":
        return cls(choice, torch.where(scenes.valid, scenes.token, 0)[paths.agent])

    def __call__(self, distribution, step, agent_class, pose):
        self.choice(distribution, step, agent_class, pose)
        return self.token[:, step]


def sampled(scenes: SceneBatch, paths: Paths) -> Following:
    """Draws among the likeliest, as for the leaderboard."""
    ids = [str(number) for number in range(scenes.scenes)]
    return Following.of(Sample(DrawKeys(0, ids, scenes, paths), Sampling(48, 1.0)), scenes, paths)


def closest(policy: Smart, scenes: SceneBatch, paths: Paths) -> Following:
    """CAT-K's choice."""
    choice = ClosestAmongTop(TOP_K, policy.actions, scenes.logged, scenes.logged_valid)
    return Following.of(choice, scenes, paths)
