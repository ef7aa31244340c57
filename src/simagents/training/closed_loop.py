"""Closed-loop imitation: roll the policy out, then learn what leads back to the log."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from simagents.algorithms.supervised import cross_entropy
from simagents.algorithms.weights import token_mean
from simagents.counter import hashed, key_of
from simagents.models.batch import Paths, SceneBatch
from simagents.models.distribution import Sampling
from simagents.models.policy import Policy
from simagents.simulation.choice import Choice, ClosestAmongTop, DrawKeys, Likeliest, Sample
from simagents.simulation.rollout import roll_out
from simagents.tokens.vocabulary import HISTORY_TOKENS, REFERENCE_SIZE
from simagents.training.batches import Batch
from simagents.training.learner import Learner

ROLLOUTS = {
    "closest": {"top_k"},
    "top_k": {"top_k", "temperature"},
    "top_k_filtered": {"top_k", "temperature", "filter_lengths"},
    "likeliest": set(),
}
"""How the rollout picks tokens, and the coefficients that each way takes.

`closest` is CAT-K: of the `top_k` likeliest the one nearest to the log. The others are what it is
compared with (Zhang et al. 2025, arXiv:2412.05334, Table 2): draws among the `top_k` likeliest; the
same, learning only from steps that end near the log; the likeliest token, without draws.
"""


@dataclass
class ClosedLoopCloning(Learner):
    """CAT-K and its alternatives.

    The published code back-propagates through the rollout's cached features; the pass over the
    finished path has the same features, and so, dropout apart, the same gradient. Targets come from
    the whole vocabulary: the token nearest to the log's next pose as seen from the rolled-out one.
    """

    policy: Policy
    model: nn.Module
    seed: int
    rollout: str
    label_smoothing: float
    top_k: int = 0
    temperature: float = 1.0
    filter_lengths: float = 0.0
    """lengths of the class's box within which a step has to end to be learned from; 0: any"""
    rolled: dict[int, Paths] = field(default_factory=dict)
    """rollouts that had to be made to count their targets, by the batch's first place"""

    def counts(self, batch: Batch) -> int:
        if not self.filter_lengths:
            return int(self._valid(batch.scenes).sum())
        self.rolled[batch.first] = self._roll_out(batch)
        return int(self._kept(batch.scenes, self.rolled[batch.first]).sum())

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, dict[str, Tensor]]:
        scenes = batch.scenes
        paths = self.rolled.pop(batch.first, None) or self._roll_out(batch)
        here = paths.pose[:, HISTORY_TOKENS - 1 : -1]
        there = scenes.logged[:, HISTORY_TOKENS + 1 :]
        steps = here.shape[1]
        target = self.model.actions.nearest(
            scenes.agent_class.repeat_interleave(steps), here.flatten(0, 1), there.flatten(0, 1)
        ).view(-1, steps)
        weight = token_mean(self._kept(scenes, paths), total)
        distribution = self.policy(scenes, paths)
        loss, stats = cross_entropy(
            distribution.logits, target, weight, label_smoothing=self.label_smoothing
        )
        distance = _distance_to_log(scenes, paths)
        return loss, {**stats, "distance_to_log": (weight * distance).sum()}

    def _roll_out(self, batch: Batch) -> Paths:
        choice = self._choice(batch)
        training = self.model.training
        self.model.eval()
        try:
            return roll_out(self.model, batch.scenes, 1, choice).paths
        finally:
            self.model.train(training)

    def _choice(self, batch: Batch) -> Callable[[Paths], Choice]:
        scenes = batch.scenes
        if self.rollout == "closest":
            closest = ClosestAmongTop(
                self.top_k, self.model.actions, scenes.logged, scenes.logged_valid
            )
            return lambda paths: closest
        if self.rollout == "likeliest":
            return lambda paths: Likeliest()
        places = batch.first + np.arange(scenes.scenes)
        seed = hashed(self.seed, key_of("rollouts"), places)
        sampling = Sampling(self.top_k, self.temperature)
        return lambda paths: Sample(DrawKeys(seed, batch.ids, scenes, paths), sampling)

    def _valid(self, scenes: SceneBatch) -> Tensor:
        seen = scenes.logged_valid & scenes.in_range
        active = seen[:, HISTORY_TOKENS - 1] & seen[:, HISTORY_TOKENS] & scenes.trained
        return seen[:, HISTORY_TOKENS + 1 :] & active[:, None]

    def _kept(self, scenes: SceneBatch, paths: Paths) -> Tensor:
        valid = self._valid(scenes)
        if not self.filter_lengths:
            return valid
        length = torch.tensor(REFERENCE_SIZE, device=valid.device)[scenes.agent_class, 0]
        near = _distance_to_log(scenes, paths) < self.filter_lengths * length[:, None]
        return valid & near


def _distance_to_log(scenes: SceneBatch, paths: Paths) -> Tensor:
    there = scenes.logged[:, HISTORY_TOKENS + 1 :, :2]
    return (paths.pose[:, HISTORY_TOKENS:, :2] - there).norm(dim=-1)
