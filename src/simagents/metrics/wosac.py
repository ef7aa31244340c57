"""The realism meta-metric of the Waymo Open Sim Agents Challenge, additive over rollouts.

reference = LogReference.of(scenario, Challenge.of(2025))    # once per scenario
statistics = rollout_statistics(reference, rollouts)         # once per set of rollouts
scores = score(reference, statistics)                        # of all rollouts together
others = leave_one_out(reference, statistics)                # of each N - 1 of them, for free

Several scenarios at once, with as many rollouts of each, give one row of numbers per scenario:

reference = LogReference.join([reference_of_one, reference_of_another])
scores = score(reference, rollout_statistics(reference, torch.cat([rollouts, others], dim=1)))
"""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from simagents.metrics.challenge import (
    FEATURES,
    INDICATORS,
    INTERACTIVE,
    KINEMATIC,
    MAP_BASED,
    Challenge,
)
from simagents.metrics.likelihood import bernoulli_likelihood, by_scene, histogram_likelihood
from simagents.metrics.statistics import LogReference, RolloutStatistics


@dataclass(frozen=True, eq=False)
class Scores:
    """Fields of the official result, each with one number per set of rollouts.

    Higher is better for the meta-metric, its three buckets and the likelihoods, all in [0, 1].
    Displacement errors are in metres; rates are shares of agents and rollouts.
    """

    metametric: Float32[Tensor, "*S"]
    kinematic_metrics: Float32[Tensor, "*S"]
    interactive_metrics: Float32[Tensor, "*S"]
    map_based_metrics: Float32[Tensor, "*S"]
    linear_speed_likelihood: Float32[Tensor, "*S"]
    linear_acceleration_likelihood: Float32[Tensor, "*S"]
    angular_speed_likelihood: Float32[Tensor, "*S"]
    angular_acceleration_likelihood: Float32[Tensor, "*S"]
    distance_to_nearest_object_likelihood: Float32[Tensor, "*S"]
    collision_indication_likelihood: Float32[Tensor, "*S"]
    time_to_collision_likelihood: Float32[Tensor, "*S"]
    distance_to_road_edge_likelihood: Float32[Tensor, "*S"]
    offroad_indication_likelihood: Float32[Tensor, "*S"]
    traffic_light_violation_likelihood: Float32[Tensor, "*S"]
    average_displacement_error: Float32[Tensor, "*S"]
    min_average_displacement_error: Float32[Tensor, "*S"]
    simulated_collision_rate: Float32[Tensor, "*S"]
    simulated_offroad_rate: Float32[Tensor, "*S"]
    simulated_traffic_light_violation_rate: Float32[Tensor, "*S"]

    def numbers(self) -> dict[str, float]:
        """By official name, as Python numbers; only for a single set of rollouts."""
        return {field.name: getattr(self, field.name).item() for field in fields(self)}

    def __getitem__(self, index: int | tuple) -> "Scores":
        """Those of one of the joined scenarios, or of one set of rollouts."""
        return Scores(*(getattr(self, field.name)[index] for field in fields(self)))


def score(reference: LogReference, statistics: RolloutStatistics) -> Scores:
    """The official scores of all rollouts together: a scalar, or one number per joined scenario."""
    ones = statistics.ade.new_ones(1, len(statistics))
    return score_subsets(reference, statistics, ones)[..., 0]


def score_singly(reference: LogReference, statistics: RolloutStatistics) -> Scores:
    """The scores of each rollout as if it were the only one: R numbers per field and scenario."""
    return score_subsets(reference, statistics, torch.eye(len(statistics)))


def leave_one_out(reference: LogReference, statistics: RolloutStatistics) -> Scores:
    """The scores of all rollouts but the first, but the second, and so on: R numbers each."""
    return score_subsets(reference, statistics, 1 - torch.eye(len(statistics)))


def score_subsets(
    reference: LogReference, statistics: RolloutStatistics, weights: Float[Tensor, "N R"]
) -> Scores:
    """The scores of N sets of rollouts; a weight says how often a rollout is in a set.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. An empty set, and a likelihood
    for which the log has no valid step, are NaN, and so is what is made of them. Of joined
    scenarios the fields are [scenarios, N].
    """
    challenge, scene = reference.challenge, reference.scene
    agents = torch.zeros(len(scene), dtype=torch.int64, device=scene.number.device)
    agents = agents.scatter_add(0, scene.number, torch.ones_like(scene.number))
    # In double precision: counts times weights in TF32, on a GPU, would not be whole numbers.
    weights = weights.to(statistics.ade.device, torch.float64)
    rollouts = weights.sum(dim=1)
    happened = torch.einsum("nr,req->qne", weights, statistics.happened.double())
    likelihoods = {}
    for name, counts in statistics.counts.items():
        total = torch.einsum("nr,rek->nek", weights, counts.double())
        logged = reference.counts[name].double()
        likelihoods[name] = histogram_likelihood(total, logged, agents)
    for i, name in enumerate(INDICATORS):
        logged = reference.happened[:, i]
        likelihoods[name] = bernoulli_likelihood(happened[i], rollouts, logged, agents)
    # The official result is stored in float32 before the weights are applied.
    likelihoods = {name: likelihoods[name].float() for name in FEATURES}

    shares = by_scene(happened.permute(2, 0, 1), agents) / agents[:, None, None] / rollouts
    collision, offroad, _, red_light = shares.unbind(1)
    ade = by_scene(statistics.ade.double().T, agents) / agents[:, None]
    least = ade[:, None].where(weights > 0, torch.inf).amin(dim=-1).where(rollouts > 0, torch.nan)
    scores = Scores(
        _weighted(likelihoods, FEATURES, challenge).float(),
        *(_bucket(likelihoods, names, challenge) for names in (KINEMATIC, INTERACTIVE, MAP_BASED)),
        *likelihoods.values(),
        (ade @ weights.T / rollouts).float(),
        least.float(),
        collision.float(),
        offroad.float(),
        red_light.float(),
    )
    return scores if reference.joined else scores[0]


def _weighted(
    likelihoods: dict[str, Tensor], names: tuple[str, ...], challenge: Challenge
) -> Tensor:
    """Sum in double precision of float32 likelihoods times float32 weights."""
    weights = torch.tensor([challenge.weights[name] for name in names]).tolist()
    return sum(
        weight * likelihoods[name].double() for weight, name in zip(weights, names, strict=True)
    )


def _bucket(likelihoods: dict[str, Tensor], names: tuple[str, ...], challenge: Challenge) -> Tensor:
    total = sum(challenge.weights[name] for name in names)
    return (_weighted(likelihoods, names, challenge) / total).float()
