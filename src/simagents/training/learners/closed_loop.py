"""Closed-loop imitation: roll the policy out, then learn what leads back to the log."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor, nn

from simagents.algorithms.weights import token_mean
from simagents.config.algorithms import ClosedLoopCloning as ClosedLoopSettings
from simagents.config.algorithms import Closest, Sampling
from simagents.config.algorithms import Likeliest as LikeliestSettings
from simagents.counter import hashed, key_of
from simagents.models.paths import Paths
from simagents.models.policy import TrainablePolicy
from simagents.models.scenes import SceneBatch
from simagents.scenarios.agent_class import reference_size
from simagents.simulation.choice import Choice, ClosestAmongTop, Likeliest, Sample
from simagents.simulation.draws import DrawKeys
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import Batch
from simagents.training.learners.imitation import back_to_log, imitation_loss
from simagents.training.learners.learner import Learner, Stats


@dataclass
class ClosedLoopCloning(Learner):
    """CAT-K and its alternatives (Zhang et al. 2025, arXiv:2412.05334, Table 2).

    The rollout takes, of the K likeliest actions, the one nearest to the log (CAT-K); draws among
    the K likeliest, learning from all steps or from those that end near the log; or the likeliest.
    The published code back-propagates through the rollout's cached features; the pass over the
    finished path has the same features, and so, dropout apart, the same gradient. Targets come from
    the whole action space: the action nearest to the log's next pose as seen from the rolled-out one.
    """

    policy: TrainablePolicy
    model: nn.Module
    seed: int
    settings: ClosedLoopSettings
    rolled: dict[int, Paths] = field(default_factory=dict)
    """rollouts that `counts` needed, by the batch's first place; `loss` uses them"""

    @property
    def filter_lengths(self) -> float | None:
        """Lengths of the class's box within which a step must end to be learned from; None: any."""
        return getattr(self.settings.rollout, "filter_lengths", None)

    def counts(self, batch: Batch) -> int:
        if not self.filter_lengths:
            return int(self._valid(batch.scenes).sum())
        self.rolled[batch.first] = self._roll_out(batch)
        return int(self._kept(batch.scenes, self.rolled[batch.first]).sum())

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        scenes = batch.scenes
        paths = self.rolled.pop(batch.first, None) or self._roll_out(batch)
        target = back_to_log(self.model, scenes, paths)
        weight = token_mean(self._kept(scenes, paths), total)
        smoothing = self.settings.label_smoothing
        loss, stats = imitation_loss(self.policy(scenes, paths), target, weight, smoothing)
        distance = self._distance_to_log(scenes, paths)
        return loss, {**stats, "distance_to_log": (weight * distance).sum()}

    def _roll_out(self, batch: Batch) -> Paths:
        seed = hashed(self.seed, key_of("rollouts"), batch.places)
        training = self.model.training
        self.model.eval()
        try:
            return roll_out(self.model, batch.scenes, 1, self._choice(batch.scenes), seed).paths
        finally:
            self.model.train(training)

    def _choice(self, scenes: SceneBatch) -> Callable[[DrawKeys], Choice]:
        rollout = self.settings.rollout
        if isinstance(rollout, Closest):
            log = self.model.logged_states(scenes)
            return lambda draws: ClosestAmongTop(rollout.top_k, self.model.actions, log)
        if isinstance(rollout, LikeliestSettings):
            return lambda draws: Likeliest()
        sampling = Sampling(top_k=rollout.top_k, temperature=rollout.temperature)
        return lambda draws: Sample(draws, sampling)

    def _valid(self, scenes: SceneBatch) -> Tensor:
        """[A, F] bool: steps of trained agents whose end is in the log."""
        log, now = self.model.logged_states(scenes), self.model.history
        seen = log.valid & log.in_range
        active = seen[:, now - 1] & seen[:, now] & scenes.trained
        return seen[:, now + 1 :] & active[:, None]

    def _kept(self, scenes: SceneBatch, paths: Paths) -> Tensor:
        valid = self._valid(scenes)
        if not self.filter_lengths:
            return valid
        length = reference_size(valid.device)[scenes.agent_class, 0]
        near = self._distance_to_log(scenes, paths) < self.filter_lengths * length[:, None]
        return valid & near

    def _distance_to_log(self, scenes: SceneBatch, paths: Paths) -> Tensor:
        there = self.model.logged_states(scenes).pose[:, paths.history + 1 :, :2]
        return (paths.pose[:, paths.history :, :2] - there).norm(dim=-1)
