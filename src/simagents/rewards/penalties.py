"""What rollouts do wrong, by rules: the heuristic rewards that RLFTSim compares with."""

from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.config.rewards import Penalties
from simagents.metrics import score_subsets
from simagents.rewards.references import References
from simagents.rewards.reward import Rewards
from simagents.scenarios.scenario import Scenario

_ANY_YEAR = 2025  # rates and displacements do not depend on it


def build(settings: Penalties) -> "PenaltyReward":
    """The reward of these settings."""
    return PenaltyReward(settings)


class PenaltyReward:
    """r = -(w_c c + w_o o + w_d d) of each rollout alone.

    c and o are the shares of the scene's scored agents that collide, or leave the road, at any step at
    which the log sees them; d is their average displacement from the log in metres. They are those that
    evaluation reports as rates and ADE. RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033, Tables 2 and
    S.3) names the terms; it prints no weights.
    """

    scores_sets = False

    def __init__(self, settings: Penalties):
        self._weights = {
            "simulated_collision_rate": settings.collision,
            "simulated_offroad_rate": settings.offroad,
            "average_displacement_error": settings.displacement,
        }
        self._references = References(_ANY_YEAR)

    @torch.no_grad()
    def __call__(
        self,
        scenarios: Sequence[Scenario],
        trajectories: Sequence[Float32[Tensor, "R _ 80 4"]],
        without: bool = False,
    ) -> Rewards:
        """`terms` are the rates and the displacement, by rollout. No rollout depends on the others, so
        `without` changes nothing."""
        reference, statistics = self._references.statistics(scenarios, trajectories)
        scores = score_subsets(reference, statistics, torch.eye(len(statistics)))
        terms = {name: getattr(scores, name) for name in self._weights}
        # A term that does not count may be undefined.
        counted = {name: weight for name, weight in self._weights.items() if weight}
        total = -sum(weight * terms[name] for name, weight in counted.items())
        return Rewards(total[:, :, None, None], terms)
