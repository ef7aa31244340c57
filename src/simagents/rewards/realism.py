"""The realism meta-metric as a reward."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.errors import unknown_key
from simagents.metrics import Challenge, LogReference, rollout_statistics, score, score_singly
from simagents.scenarios.scenario import Scenario

MODES = ("scene", "rollout")
_KEPT = 512  # log references in memory; about 1 MB each


class RealismReward:
    """Scores rollouts against the log of their scenario, as the challenge does.

    `scene`: one number for all rollouts of a scene, the meta-metric of the set (SMART-R1, which
    rewards "each traffic scenario" with a scalar). `rollout`: the meta-metric of each one alone.
    Both depend on the number of rollouts, so a threshold belongs to the number it was tuned with.

    This is the metric that evaluation reports, to the last bit: it is fast enough to need no
    approximation. The scenes of a batch are scored together.
    """

    def __init__(self, challenge: int, mode: str):
        if mode not in MODES:
            raise unknown_key(mode, "coefficient `reward`", MODES)
        self.challenge = Challenge.of(challenge)
        self.mode = mode
        self._references: OrderedDict[str, LogReference] = OrderedDict()

    @torch.no_grad()
    def __call__(
        self, scenarios: Sequence[Scenario], rollouts: Sequence[Float32[Tensor, "R _ 80 4"]]
    ) -> Float32[Tensor, "S R"]:
        """Rewards of R rollouts of each of S scenarios; x, y, z, heading in the world frame."""
        simulated = torch.cat(list(rollouts), dim=1)
        reference = LogReference.join(
            [self._reference(scenario, simulated.device) for scenario in scenarios]
        )
        of = score if self.mode == "scene" else score_singly
        rewards = of(reference, rollout_statistics(reference, simulated)).metametric
        return rewards.view(len(scenarios), -1).expand(-1, len(simulated))

    def _reference(self, scenario: Scenario, device: torch.device) -> LogReference:
        if scenario.id not in self._references:
            self._references[scenario.id] = LogReference.of(scenario, self.challenge, device=device)
            if len(self._references) > _KEPT:
                self._references.popitem(last=False)
        return self._references[scenario.id]
