"""The realism meta-metric as a reward."""

from collections.abc import Sequence
from dataclasses import fields

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from simagents.config.rewards import Realism
from simagents.metrics import Scores, score_subsets
from simagents.rewards.references import References
from simagents.rewards.reward import Rewards
from simagents.scenarios.scenario import Scenario


def build(settings: Realism) -> "RealismReward":
    """The reward of these settings."""
    return RealismReward(settings)


class RealismReward:
    """Scores rollouts against the log of their scenario, as the challenge does.

    `scored: scene`: one number for all rollouts of a scene, the meta-metric of the set (SMART-R1,
    which rewards "each traffic scenario" with a scalar). `rollout`: the meta-metric of each one
    alone. `subgroup`: that of every `subgroup` successive rollouts, for these.
    All depend on the number of rollouts, so a threshold is valid only for the number that it was tuned with.

    This is the metric that evaluation reports, to the last bit: it is fast enough to need no
    approximation. The scenes of a batch are scored together, and leave-one-out scores come from the
    same statistics, whose histograms add up over rollouts.
    """

    def __init__(self, settings: Realism):
        self.settings = settings
        self.scores_sets = settings.scores_sets
        self._references = References(settings.challenge)

    @torch.no_grad()
    def __call__(
        self,
        scenarios: Sequence[Scenario],
        trajectories: Sequence[Float32[Tensor, "R _ 80 4"]],
        without: bool = False,
    ) -> Rewards:
        """`terms` are the likelihoods and rates behind the meta-metric, by official name, once for
        each set that is scored."""
        reference, statistics = self._references.statistics(scenarios, trajectories)
        rollouts = len(statistics)
        sets = scored_sets(self.settings, rollouts)
        scored = len(sets)
        if without:
            sets = torch.cat([sets, 1 - torch.eye(rollouts)])
        scores = score_subsets(reference, statistics, sets)
        terms = {
            field.name: getattr(scores, field.name)[:, :scored]
            for field in fields(Scores)
            if field.name != "metametric"
        }
        total = scores.metametric[:, :scored].repeat_interleave(rollouts // scored, dim=1)
        others = scores.metametric[:, scored:] if without else None
        return Rewards(total[:, :, None, None], terms, others)


def scored_sets(settings: Realism, rollouts: int) -> Float[Tensor, "N R"]:
    """Which of R rollouts are scored as a set: ones and zeros, every rollout in one of N sets."""
    size = settings.size_of_set(rollouts)
    return torch.eye(rollouts // size).repeat_interleave(size, dim=1)
