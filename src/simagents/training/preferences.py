"""Learning which of two rollouts of the parent was the better one."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from simagents.algorithms.dpo import best_and_worst, dpo_loss
from simagents.algorithms.kl import k3
from simagents.algorithms.weights import rollout_mean, weighted
from simagents.counter import hashed, key_of
from simagents.models.batch import SceneBatch
from simagents.models.distribution import Sampling
from simagents.models.policy import Policy
from simagents.recipe import Recipe
from simagents.rewards.realism import RealismReward
from simagents.training.batches import Batch
from simagents.training.experience import Experience, Padding, experience, rows_of
from simagents.training.learner import Learner, Stats
from simagents.training.stopwatch import Stopwatch


@dataclass
class Preferences(Learner):
    """DPO on the best and the worst of a scene's rollouts by the frozen parent.

    Draws are keyed by seed and scenario and the parent never changes, so every epoch sees the same
    pairs, as if they had been drawn once and kept. Pairs whose rewards differ by less than
    `least_gap` are left out. Dropout is off.
    """

    policy: Policy
    model: nn.Module
    reference: nn.Module
    reward: RealismReward
    sampling: Sampling
    recipe: Recipe
    beta: float
    least_gap: float
    prepared: dict[int, tuple[Experience, Tensor, Tensor]] = field(default_factory=dict)
    """by the batch's first place: all rollouts, then of the pairs which are kept and their gaps"""

    def prepare(self, batches: list[Batch]) -> Stats:
        watch = Stopwatch(batches[0].scenes.device)
        self.prepared = {batch.first: self._pairs(batch, watch) for batch in batches}
        return watch.laps

    def counts(self, batch: Batch) -> int:
        return int(self.prepared[batch.first][1].sum())

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        self.model.eval()
        watch = Stopwatch(batch.scenes.device)
        known, kept, gap = self.prepared[batch.first]
        distribution = self.policy(batch.scenes, known.paths)
        pad = Padding(batch.scenes, 2)
        logp = pad(distribution.log_prob(known.chosen, self.sampling, known.support))
        valid = pad(torch.ones_like(known.chosen, dtype=torch.bool))
        mean = rollout_mean(valid.flatten(0, 1), 1.0).view_as(valid)
        share = kept / max(total, 1.0)
        loss, stats = dpo_loss(logp, pad(known.rows["logp_ref"]), mean, share, beta=self.beta)
        scenes = self.recipe.budget.batch
        stats |= known.logged(float(scenes * self.recipe.budget.rollouts))
        with torch.no_grad():
            # Of the parent's own draws, so that its mean is the forward divergence.
            away = k3(pad(known.rows["logp_ref"]), logp)
            stats["kl"] = weighted(mean, away) / (2 * scenes)
        stats |= {"gap": gap.mean() * len(gap) / scenes, "kept": kept.double().sum() / scenes}
        watch.lap("log_probabilities")
        return loss, {**stats, **watch.laps}

    def learned(self, numbers: dict[str, float]) -> None:
        self.prepared = {}

    @torch.no_grad()
    def _pairs(self, batch: Batch, watch: Stopwatch) -> tuple[Experience, Tensor, Tensor]:
        seed = int(hashed(self.recipe.seed, key_of("pairs")))
        rollouts = self.recipe.budget.rollouts
        drawn = experience(self.reference, batch, rollouts, self.sampling, self.reward, seed, watch)
        pair, kept = best_and_worst(drawn.reward, self.least_gap)
        rows, world = _rows_of_pairs(batch.scenes, rollouts, pair)
        paths = replace(rows_of(drawn.paths, rows), world=world)
        made = replace(drawn, paths=paths, support=drawn.support[rows])
        theirs = self.reference(batch.scenes, paths)
        made.rows["logp_ref"] = theirs.log_prob(made.chosen, self.sampling, made.support)
        watch.lap("log_probabilities")
        best, worst = drawn.reward.gather(1, pair).unbind(1)
        return made, kept, best - worst


def _rows_of_pairs(scenes: SceneBatch, rollouts: int, pair: Tensor) -> tuple[Tensor, Tensor]:
    """Rows, among those by (scene, rollout, agent), of each scene's two rollouts; and new worlds."""
    rows, worlds, first = [], [], 0
    counts = torch.bincount(scenes.agent_scene, minlength=scenes.scenes).tolist()
    for scene, count in enumerate(counts):
        agent = torch.arange(count, device=pair.device)
        for place in range(2):
            rows.append(first + pair[scene, place] * count + agent)
            worlds.append(torch.full_like(agent, 2 * scene + place))
        first += rollouts * count
    return torch.cat(rows), torch.cat(worlds)
