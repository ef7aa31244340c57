"""The realism meta-metric as a reward."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import fields

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from simagents.errors import InputError, unknown_key
from simagents.metrics import Challenge, LogReference, Scores, rollout_statistics, score_subsets
from simagents.scenarios.scenario import Scenario

MODES = ("scene", "rollout", "subgroup")
_KEPT = 512  # log references in memory; about 1 MB each


def scored_together(mode: str, rollouts: int, subgroup: int | None) -> Float[Tensor, "N R"]:
    """Which of R rollouts are scored as a set: ones and zeros, every rollout in one of N sets."""
    if mode not in MODES:
        raise unknown_key(mode, "coefficient `reward`", MODES)
    size = {"scene": rollouts, "rollout": 1, "subgroup": subgroup}[mode]
    if not size or rollouts % size:
        raise InputError(
            f"{rollouts} rollouts cannot be scored in subgroups of {size}; choose a divisor."
        )
    return torch.eye(rollouts // size).repeat_interleave(size, dim=1)


class RealismReward:
    """Scores rollouts against the log of their scenario, as the challenge does.

    `scene`: one number for all rollouts of a scene, the meta-metric of the set (SMART-R1, which
    rewards "each traffic scenario" with a scalar). `rollout`: the meta-metric of each one alone.
    `subgroup`: that of every `subgroup` successive rollouts, for these.
    All depend on the number of rollouts, so a threshold belongs to the number it was tuned with.

    This is the metric that evaluation reports, to the last bit: it is fast enough to need no
    approximation. The scenes of a batch are scored together.
    """

    def __init__(self, challenge: int, mode: str, subgroup: int | None = None):
        scored_together(mode, subgroup or 1, subgroup)  # an unknown mode is refused now
        self.challenge = Challenge.of(challenge)
        self.mode = mode
        self.subgroup = subgroup
        self._references: OrderedDict[str, LogReference] = OrderedDict()

    @torch.no_grad()
    def __call__(
        self, scenarios: Sequence[Scenario], rollouts: Sequence[Float32[Tensor, "R _ 80 4"]]
    ) -> tuple[Float32[Tensor, "S R"], dict[str, Float32[Tensor, "S N"]]]:
        """Rewards of R rollouts of each of S scenarios; x, y, z, heading in the world frame.

        And for the log what they are made of, by official name, once per set that is scored.
        """
        simulated = torch.cat(list(rollouts), dim=1)
        reference = LogReference.join(
            [self._reference(scenario, simulated.device) for scenario in scenarios]
        )
        sets = scored_together(self.mode, len(simulated), self.subgroup)
        scores = score_subsets(reference, rollout_statistics(reference, simulated), sets)
        size = len(simulated) // len(sets)
        parts = {
            field.name: getattr(scores, field.name)
            for field in fields(Scores)
            if field.name != "metametric"
        }
        return scores.metametric.repeat_interleave(size, dim=1), parts

    def _reference(self, scenario: Scenario, device: torch.device) -> LogReference:
        if scenario.id not in self._references:
            self._references[scenario.id] = LogReference.of(scenario, self.challenge, device=device)
            if len(self._references) > _KEPT:
                self._references.popitem(last=False)
        return self._references[scenario.id]
