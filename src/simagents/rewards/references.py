"""The logs that rewards compare with, prepared once and kept."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.config.rewards import Challenge as Year
from simagents.metrics import Challenge, LogReference, RolloutStatistics, rollout_statistics
from simagents.scenarios.scenario import Scenario

_KEPT = 512  # log references in memory; about 1 MB each


class References:
    """Log references of the scenarios that were seen last, and the statistics of rollouts of them."""

    def __init__(self, year: Year):
        self.challenge = Challenge.of(year)
        self._kept: OrderedDict[str, LogReference] = OrderedDict()

    def statistics(
        self, scenarios: Sequence[Scenario], trajectories: Sequence[Float32[Tensor, "R _ 80 4"]]
    ) -> tuple[LogReference, RolloutStatistics]:
        """The scenarios of a batch as one reference, and what any score of their rollouts depends on."""
        simulated = torch.cat(list(trajectories), dim=1)
        reference = LogReference.join([self._of(one, simulated.device) for one in scenarios])
        return reference, rollout_statistics(reference, simulated)

    def _of(self, scenario: Scenario, device: torch.device) -> LogReference:
        if scenario.id not in self._kept:
            self._kept[scenario.id] = LogReference.of(scenario, self.challenge, device=device)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[scenario.id]
