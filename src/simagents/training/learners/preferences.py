"""Learning which of two rollouts of the parent was the better one."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from simagents.algorithms.dpo import best_and_worst, dpo_loss
from simagents.algorithms.kl import k3
from simagents.algorithms.weights import rollout_mean, weighted
from simagents.config.algorithms import Preferences as PreferencesSettings
from simagents.config.recipe import Recipe
from simagents.counter import hashed, key_of
from simagents.models.policy import TrainablePolicy
from simagents.models.scenes import SceneBatch
from simagents.rewards.reward import Reward
from simagents.training.data.batches import Batch
from simagents.training.learners.experience import Experience, Padding, experience
from simagents.training.learners.learner import Learner, Stats
from simagents.training.stopwatch import Stopwatch


@dataclass(frozen=True)
class Pairs:
    """The best and the worst rollout of each scene of a batch."""

    experience: Experience
    """its paths are those of the pairs, the better one first; its rewards those of all rollouts"""
    kept: Tensor
    """[S] bool: pairs that differ enough to be learned from"""
    gap: Tensor
    """[S] difference of their rewards"""


@dataclass
class Preferences(Learner):
    """DPO on the best and the worst of a scene's rollouts by the frozen parent.

    Draws are keyed by seed and scenario and the parent never changes, so the pairs are the same in
    every epoch, as if they had been drawn once and kept. Pairs whose rewards differ by less than
    `least_gap` are left out. Dropout is off.
    """

    policy: TrainablePolicy
    model: nn.Module
    reference: nn.Module
    reward: Reward
    recipe: Recipe
    prepared: dict[int, Pairs] = field(default_factory=dict)
    """by the batch's first place"""

    @property
    def settings(self) -> PreferencesSettings:
        return self.recipe.algorithm

    def prepare(self, batches: list[Batch]) -> Stats:
        watch = Stopwatch(batches[0].scenes.device)
        self.prepared = {batch.first: self._pairs(batch, watch) for batch in batches}
        return watch.laps

    def counts(self, batch: Batch) -> int:
        return int(self.prepared[batch.first].kept.sum())

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        self.model.eval()
        watch = Stopwatch(batch.scenes.device)
        pairs = self.prepared[batch.first]
        pad = Padding(batch.scenes, 2)
        logp = pad(self._log_prob(self.policy, batch.scenes, pairs.experience))
        logp_ref = pad(pairs.experience.rows["logp_ref"])
        valid = pad.valid(logp.shape[-1])
        mean = rollout_mean(valid.flatten(0, 1), 1.0).view_as(valid)
        share = pairs.kept / max(total, 1.0)
        loss, stats = dpo_loss(logp, logp_ref, mean, share, beta=self.settings.beta)
        scenes = self.recipe.budget.batch
        stats |= pairs.experience.logged(float(scenes * self.recipe.budget.rollouts))
        with torch.no_grad():
            # Of the parent's own draws, so that its mean is the forward divergence.
            stats["kl"] = weighted(mean, k3(logp_ref, logp)) / (2 * scenes)
        stats["gap"] = pairs.gap.mean() * len(pairs.gap) / scenes
        stats["kept"] = pairs.kept.double().sum() / scenes
        watch.lap("log_probabilities")
        return loss, {**stats, **watch.laps}

    def follow(self, numbers: dict[str, float]) -> None:
        self.prepared = {}

    @torch.no_grad()
    def _pairs(self, batch: Batch, watch: Stopwatch) -> Pairs:
        seed = int(hashed(self.recipe.seed, key_of("pairs")))
        rollouts = self.recipe.budget.rollouts
        sampling = self.settings.sampling
        drawn = experience(self.reference, batch, rollouts, sampling, self.reward, seed, watch)
        reward = drawn.rewards.by_rollout(batch.scenes.agents)
        pair, kept = best_and_worst(reward, self.settings.least_gap)
        rows, world = _rows_of_pairs(batch.scenes, rollouts, pair)
        paths = replace(drawn.paths.rows(rows), world=world)
        sampled = Experience(paths, drawn.rewards, batch.scenes)
        sampled.rows["logp_ref"] = self._log_prob(self.reference, batch.scenes, sampled)
        watch.lap("log_probabilities")
        best, worst = reward.gather(1, pair).unbind(1)
        return Pairs(sampled, kept, best - worst)

    def _log_prob(self, policy: TrainablePolicy, scenes: SceneBatch, sampled: Experience) -> Tensor:
        distribution = policy(scenes, sampled.paths)
        drawn_from = distribution.drawn_by(self.settings.sampling, sampled.paths.support)
        return drawn_from.log_prob(sampled.paths.chosen)


def _rows_of_pairs(scenes: SceneBatch, rollouts: int, pair: Tensor) -> tuple[Tensor, Tensor]:
    """Rows, among those by (scene, rollout, agent), of each scene's two rollouts; and new worlds."""
    rows, worlds, first = [], [], 0
    for scene, count in enumerate(scenes.counts):
        agent = torch.arange(count, device=pair.device)
        for place in range(2):
            rows.append(first + pair[scene, place] * count + agent)
            worlds.append(torch.full_like(agent, 2 * scene + place))
        first += rollouts * count
    return torch.cat(rows), torch.cat(worlds)
