"""What scoring has to know: of the log, once, and of each rollout, additively."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from simagents.errors import InputError
from simagents.metrics.challenge import Challenge
from simagents.metrics.concatenation import on_device
from simagents.metrics.kinematics import neighbours_valid
from simagents.metrics.likelihood import bins, counted
from simagents.metrics.scene_features import Features, LoggedScenes
from simagents.scenarios.scenario import CURRENT, AgentType, Scenario


@dataclass(frozen=True, eq=False)
class LogReference:
    """All of a scenario that scoring compares with: features of the log, map, validity.

    Independent of any rollout: build it once per scenario and keep it. Several can be joined to
    score rollouts of several scenarios at once. E evaluated agents in all.
    """

    challenge: Challenge
    scene: LoggedScenes
    vehicle: Bool[Tensor, "E"]
    valid: Bool[Tensor, "E 80"]
    """where the log saw the agent, over the simulated steps"""
    counts: dict[str, Float32[Tensor, "E K"]]
    """scored values of the log per bin, for each histogram feature"""
    happened: Bool[Tensor, "E 4"]
    """indicators of the log, as in `RolloutStatistics`"""
    joined: bool = False
    """whether scores have one number for each scenario or are plain numbers"""

    @classmethod
    def of(
        cls,
        scenario: Scenario | Sequence[Scenario],
        challenge: Challenge,
        *,
        device: torch.device | str = "cpu",
    ) -> "LogReference":
        """Everything about log and map, prepared on a device.

        Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: what is scored depends on
        the log's validity alone. Raises InputError for the scenarios on which the official
        evaluator fails: `simagents.scenarios.scorable.undefined` says which.

        Of several scenarios it is what `join` makes of their references.
        """
        joined = not isinstance(scenario, Scenario)
        scenarios = scenario if joined else [scenario]
        scenes = [LoggedScenes.of(each) for each in scenarios]
        scene = on_device(LoggedScenes.join(scenes) if joined else scenes[0], device)
        types = [torch.from_numpy(each.agent_type[each.evaluated]) for each in scenarios]
        vehicle = (torch.cat(types) == AgentType.VEHICLE).to(device)
        features = scene.log_features()
        valid = scene.valid[scene.evaluated, CURRENT + 1 :]
        scored = _scored(valid, vehicle, challenge)
        counts = {
            name: counted(_bins(features, challenge, name)[0], histogram.bins, scored[name])
            for name, histogram in challenge.histograms.items()
        }
        happened = _happened(features, valid, vehicle)[0]
        return cls(challenge, scene, vehicle, valid, counts, happened, joined)

    @classmethod
    def join(cls, references: Sequence["LogReference"]) -> "LogReference":
        """Several scenarios as one, on one device and for one challenge.

        Rollouts then hold the agents of all scenarios, in order, along their second axis.
        """
        challenge = references[0].challenge
        if any(reference.challenge != challenge for reference in references):
            raise InputError("references of different challenges cannot be joined.")
        return cls(
            challenge,
            LoggedScenes.join([reference.scene for reference in references]),
            torch.cat([reference.vehicle for reference in references]),
            torch.cat([reference.valid for reference in references]),
            {
                name: torch.cat([reference.counts[name] for reference in references])
                for name in challenge.histograms
            },
            torch.cat([reference.happened for reference in references]),
            joined=True,
        )


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
    reference: LogReference, rollouts: Float32[Tensor, "R A 80 4"], *, budget: int | None = None
) -> Features:
    """Features of rollouts per evaluated agent and step; see `LoggedScenes.features`."""
    return reference.scene.features(rollouts, budget=budget)


def rollout_statistics(
    reference: LogReference, rollouts: Float32[Tensor, "R A 80 4"], *, budget: int | None = None
) -> RolloutStatistics:
    """What scoring needs to know of R rollouts of a scenario, or of R of each of several.

    `rollouts` are x, y, z (m) and heading (rad) in the world frame, one row per agent of
    `scenario.simulated` (scenario by scenario), every 0.1 s from the step after the current one.
    `budget` bounds the elements of an intermediate array and changes no result; without one it
    suits the device.
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
