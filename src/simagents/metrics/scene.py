"""The ten features of the metric, per agent and step, from trajectories."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.errors import InputError
from simagents.metrics.boxes import COLLISION_DISTANCE, distance_to_nearest_object
from simagents.metrics.collision_time import time_to_collision
from simagents.metrics.displacement import average_displacement
from simagents.metrics.kinematics import (
    angular_acceleration,
    angular_speed,
    linear_acceleration,
    linear_speed,
)
from simagents.metrics.red_lights import RedLights, traffic_light_violation
from simagents.metrics.road_edges import OFFROAD_DISTANCE, RoadEdges, distance_to_road_edge
from simagents.scenarios.scenario import CURRENT, Scenario

BUDGET = 1 << 18
"""Elements of an intermediate array: bounds memory and changes no result. This many stay in the
cache of a CPU core; a GPU wants more."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of E evaluated agents in R rollouts over the 80 simulated steps.

    Names and order of agents (ascending id) are those of the official evaluator. Speeds are NaN at
    the last step and accelerations at the last two.
    """

    linear_speed: Float32[Tensor, "R E T"]  # m/s
    linear_acceleration: Float32[Tensor, "R E T"]  # m/s²
    angular_speed: Float32[Tensor, "R E T"]  # rad/s
    angular_acceleration: Float32[Tensor, "R E T"]  # rad/s²
    distance_to_nearest_object: Float32[Tensor, "R E T"]  # m, negative in a collision
    collision_per_step: Bool[Tensor, "R E T"]
    time_to_collision: Float32[Tensor, "R E T"]  # s
    distance_to_road_edge: Float32[Tensor, "R E T"]  # m, positive off the road
    offroad_per_step: Bool[Tensor, "R E T"]
    traffic_light_violation_per_step: Bool[Tensor, "R E T"]
    average_displacement_error: Float32[Tensor, "R E"]  # m

    @classmethod
    def join(cls, parts: list["Features"]) -> "Features":
        """The rollouts of all parts, in order."""
        names = [field.name for field in fields(cls)]
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class Scene:
    """What features need of a scenario besides trajectories. A simulated, E evaluated agents."""

    evaluated: Int64[Tensor, "E"]
    """rows among the simulated agents"""
    size: Float32[Tensor, "A 3"]
    """length, width, height at the current step, which holds for the log too"""
    log: Float32[Tensor, "4 A 91"]
    """x, y, z, heading in the world frame, as logged: zeros where invalid"""
    valid: Bool[Tensor, "A 91"]
    edges: RoadEdges
    lights: RedLights

    @classmethod
    def of(cls, scenario: Scenario, device: torch.device | str = "cpu") -> "Scene":
        """The parts of a scenario that the metric reads, on the given device."""
        rows = scenario.simulated
        place = {row: i for i, row in enumerate(rows.tolist())}
        unseen = [row for row in scenario.evaluated.tolist() if row not in place]
        if unseen:
            raise InputError(
                f"scenario {scenario.id}: agent {scenario.agent_id[unseen[0]]} is to be evaluated"
                " but is not valid at the current step; leave the scenario out."
            )
        position = torch.from_numpy(scenario.position[rows])
        heading = torch.from_numpy(scenario.heading[rows])
        return cls(
            torch.tensor([place[row] for row in scenario.evaluated.tolist()]).to(device),
            torch.from_numpy(scenario.size[rows]).to(device),
            torch.stack([*position.unbind(-1), heading]).to(device),
            torch.from_numpy(scenario.valid[rows]).to(device),
            RoadEdges.of(scenario, device),
            RedLights.of(scenario, device),
        )

    @torch.no_grad()
    def features(self, rollouts: Float32[Tensor, "R A 80 4"], *, budget: int = BUDGET) -> Features:
        """Features of simulated trajectories: x, y, z, heading from the step after the current one.

        The official evaluator puts the logged history in front and takes every simulated step for
        valid. `budget` bounds the elements of an intermediate array and changes no result.
        """
        valid = self.valid.clone()
        valid[:, CURRENT + 1 :] = True
        parts = [self._features(poses, valid, budget) for poses in self._whole(rollouts, budget)]
        return Features.join(parts)

    @torch.no_grad()
    def log_features(self, *, budget: int = BUDGET) -> Features:
        """Features of the log, as one rollout, valid where the log is."""
        return self._features(self.log[:, None], self.valid, budget)

    def _whole(self, rollouts: Tensor, budget: int) -> Iterator[Float32[Tensor, "4 r A 91"]]:
        """Rollouts with their history, a few at a time."""
        agents = len(self.size)
        if rollouts.shape[1] != agents:
            raise InputError(
                f"rollouts have {rollouts.shape[1]} agents where the scenario simulates {agents}."
            )
        if not rollouts.isfinite().all():
            raise InputError("rollouts hold NaN or infinite values; all must be finite.")
        pairs = rollouts.shape[2] * agents * len(self.evaluated)
        history = self.log[:, None, :, : CURRENT + 1]
        for part in rollouts.split(max(1, budget // pairs)):
            past = history.expand(-1, len(part), -1, -1)
            yield torch.cat([past, part.permute(3, 0, 1, 2)], dim=-1)

    def _features(
        self, poses: Float32[Tensor, "4 r A 91"], valid: Bool[Tensor, "A 91"], budget: int
    ) -> Features:
        future = slice(CURRENT + 1, None)
        own = poses[:, :, self.evaluated]
        x, y, z, heading = own
        speed = linear_speed(x, y, z)
        yaw_rate, yaw_per_step = angular_speed(heading)
        seen = valid[self.evaluated, future]
        to_object = distance_to_nearest_object(
            poses[..., future], self.size, self.evaluated, valid[:, future]
        )
        to_edge = distance_to_road_edge(
            self.edges, own[..., future], self.size[self.evaluated], seen, budget=budget
        )
        return Features(
            linear_speed=speed[..., future],
            linear_acceleration=linear_acceleration(speed)[..., future],
            angular_speed=yaw_rate[..., future],
            angular_acceleration=angular_acceleration(yaw_per_step)[..., future],
            distance_to_nearest_object=to_object,
            collision_per_step=to_object < COLLISION_DISTANCE,
            time_to_collision=time_to_collision(
                poses[..., future],
                # Neighbours of the first simulated step: the current one and the second.
                linear_speed(poses[0, ..., CURRENT:], poses[1, ..., CURRENT:])[..., 1:],
                self.size,
                self.evaluated,
                valid[:, future],
            ),
            distance_to_road_edge=to_edge,
            offroad_per_step=to_edge > OFFROAD_DISTANCE,
            traffic_light_violation_per_step=traffic_light_violation(
                self.lights, x[..., CURRENT:], y[..., CURRENT:], seen, budget=budget
            ),
            average_displacement_error=average_displacement(
                own[:3], self.log[:3, self.evaluated], self.valid[self.evaluated]
            ),
        )
