"""What scoring has to know: of the log, once, and of each rollout, additively."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from simagents.metrics.challenge import Challenge
from simagents.metrics.kinematics import neighbours_valid
from simagents.metrics.likelihood import bins, counted
from simagents.metrics.scene import BUDGET, Features, Scene
from simagents.scenarios.scenario import CURRENT, AgentType, Scenario


@dataclass(frozen=True, eq=False)
class LogReference:
    """All of a scenario that scoring compares with: features of the log, map, validity.

    Independent of any rollout: build it once per scenario and keep it. E evaluated agents.
    """

    challenge: Challenge
    scene: Scene
    vehicle: Bool[Tensor, "E"]
    valid: Bool[Tensor, "E 80"]
    """where the log saw the agent, over the simulated steps"""
    counts: dict[str, Float32[Tensor, "E K"]]
    """scored values of the log per bin, for each histogram feature"""
    happened: Bool[Tensor, "E 4"]
    """indicators of the log, as in `RolloutStatistics`"""

    @classmethod
    def of(
        cls, scenario: Scenario, challenge: Challenge, *, device: torch.device | str = "cpu"
    ) -> "LogReference":
        """Everything about log and map, prepared on a device.

        Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: what is scored depends on
        the log's validity alone. Raises InputError for a scenario without road edges, on which the
        official evaluator fails, and for one that evaluates an agent it does not simulate.
        """
        scene = Scene.of(scenario, device)
        features = scene.log_features()
        valid = scene.valid[scene.evaluated, CURRENT + 1 :]
        types = torch.from_numpy(scenario.agent_type[scenario.evaluated]).to(device)
        vehicle = types == AgentType.VEHICLE
        scored = _scored(valid, vehicle, challenge)
        counts = {
            name: counted(_bins(features, challenge, name)[0], histogram.bins, scored[name])
            for name, histogram in challenge.histograms.items()
        }
        happened = _happened(features, valid, vehicle)[0]
        return cls(challenge, scene, vehicle, valid, counts, happened)


@dataclass(frozen=True, eq=False)
class RolloutStatistics:
    """All that the scores of R rollouts, or of any subset of them, depend on."""

    counts: dict[str, Float32[Tensor, "R E K"]]
    """the 80 values of each agent per bin, for each histogram feature"""
    happened: Bool[Tensor, "R E 4"]
    """collision, off-road, red light passed by a vehicle, red light passed by anyone, at any step
    at which the log is valid"""
    ade: Float32[Tensor, "R E"]
    """average displacement error in metres"""

    def __len__(self) -> int:
        return len(self.ade)


def features(
    reference: LogReference, rollouts: Float32[Tensor, "R A 80 4"], *, budget: int = BUDGET
) -> Features:
    """Features of rollouts per evaluated agent and step; see `Scene.features`."""
    return reference.scene.features(rollouts, budget=budget)


def rollout_statistics(
    reference: LogReference, rollouts: Float32[Tensor, "R A 80 4"], *, budget: int = BUDGET
) -> RolloutStatistics:
    """What scoring needs to know of R rollouts of a scenario.

    `rollouts` are x, y, z (m) and heading (rad) in the world frame, one row per agent of
    `scenario.simulated`, every 0.1 s from the step after the current one. `budget` bounds the
    elements of an intermediate array and changes no result.
    """
    return statistics_of(reference, features(reference, rollouts, budget=budget))


def statistics_of(reference: LogReference, simulated: Features) -> RolloutStatistics:
    """The same from features, which do not depend on the challenge year."""
    counts = {
        name: counted(_bins(simulated, reference.challenge, name), histogram.bins)
        for name, histogram in reference.challenge.histograms.items()
    }
    happened = _happened(simulated, reference.valid, reference.vehicle)
    return RolloutStatistics(counts, happened, simulated.average_displacement_error)


def _scored(valid: Tensor, vehicle: Tensor, challenge: Challenge) -> dict[str, Tensor]:
    """At which steps the log's value of each histogram feature is scored."""
    speed = neighbours_valid(valid)
    acceleration = neighbours_valid(speed)
    of_interest = valid if challenge.time_to_collision_of_all else valid & vehicle[:, None]
    return {
        "linear_speed": speed,
        "linear_acceleration": acceleration,
        "angular_speed": speed,
        "angular_acceleration": acceleration,
        "distance_to_nearest_object": valid,
        "time_to_collision": of_interest,
        "distance_to_road_edge": valid,
    }


def _bins(features: Features, challenge: Challenge, name: str) -> Tensor:
    return bins(getattr(features, name), challenge.histograms[name])


def _happened(
    features: Features, valid: Bool[Tensor, "E 80"], vehicle: Bool[Tensor, "E"]
) -> Bool[Tensor, "R E 4"]:
    """The indicators at any valid step: see `RolloutStatistics.happened`.

    Red lights count in the likelihood for vehicles only. The official code sets other agents to
    False, in log and rollouts alike, so that they stay in its mean as agreeing.
    """
    steps = torch.stack(
        [
            features.collision_per_step,
            features.offroad_per_step,
            features.traffic_light_violation_per_step & vehicle[:, None],
            features.traffic_light_violation_per_step,
        ],
        dim=-1,
    )
    return (steps & valid[..., None]).any(dim=2)
