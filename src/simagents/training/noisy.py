"""Behaviour cloning of logs that are tokenised with noise."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from simagents.algorithms.supervised import cross_entropy, future_targets
from simagents.algorithms.weights import token_mean
from simagents.counter import hashed, key_of
from simagents.models.action import TokenActions
from simagents.models.batch import Paths, logged_paths
from simagents.models.policy import Policy
from simagents.simulation.choice import DrawKeys
from simagents.tokens.chain import token_chain
from simagents.tokens.noise import AmongNearest
from simagents.tokens.vocabulary import HISTORY_TOKENS, TOKEN_STEPS
from simagents.training.batches import Batch
from simagents.training.learner import Learner

NOISES: dict[str, set[str]] = {"nearest_k": set(), "perturbed": set()}
"""What may be done with a chain that strays; neither takes coefficients of its own."""


@dataclass
class NoisyCloning(Learner):
    """Two augmentations that CAT-K is compared with (arXiv:2412.05334, Table 2).

    In both, the path strays: every token is drawn among the `top_k` nearest to the log. With
    `nearest_k`, the noisy tokenisation of Trajeglish, the target is the token that leads back to
    the log; with `perturbed`, the trajectory perturbation of SMART, it is the path's own next one.
    The draws of a scene differ each time that it is seen.
    """

    policy: Policy
    actions: TokenActions
    seed: int
    noise: str
    label_smoothing: float
    top_k: int
    temperature: float

    def counts(self, batch: Batch) -> int:
        return int(self._valid(batch, logged_paths(batch.scenes)).sum())

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, dict[str, Tensor]]:
        scenes = batch.scenes
        paths = self._strayed(batch)
        target = paths.token[:, HISTORY_TOKENS:]
        if self.noise == "nearest_k":
            here = paths.pose[:, HISTORY_TOKENS - 1 : -1]
            there = scenes.logged[:, HISTORY_TOKENS + 1 :]
            agent_class = scenes.agent_class.repeat_interleave(here.shape[1])
            target = self.actions.nearest(
                agent_class, here.flatten(0, 1), there.flatten(0, 1)
            ).view_as(target)
        weight = token_mean(self._valid(batch, paths), total)
        distribution = self.policy(scenes, paths)
        return cross_entropy(
            distribution.logits, target, weight, label_smoothing=self.label_smoothing
        )

    def _strayed(self, batch: Batch) -> Paths:
        scenes, paths = batch.scenes, logged_paths(batch.scenes)
        places = batch.first + np.arange(scenes.scenes)
        draws = DrawKeys(hashed(self.seed, key_of("noise"), places), batch.ids, scenes, paths)
        numbers = torch.stack([draws.uniform(step) for step in range(TOKEN_STEPS)], dim=1)
        choose = AmongNearest(self.top_k, self.temperature, numbers)
        token, pose, _ = token_chain(
            self.actions.vocabulary, scenes.agent_class, scenes.logged, scenes.logged_valid, choose
        )
        return replace(paths, token=token, pose=pose)

    def _valid(self, batch: Batch, paths: Paths) -> Tensor:
        _, valid = future_targets(paths.valid, paths.token, HISTORY_TOKENS)
        return valid & batch.scenes.trained[:, None]
