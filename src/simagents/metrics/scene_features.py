"""The ten features of the metric, per agent and step, from trajectories."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.errors import InputError
from simagents.metrics.boxes import COLLISION_DISTANCE, distance_to_nearest_object
from simagents.metrics.collision_time import time_to_collision
from simagents.metrics.concatenation import Pairs, shifted
from simagents.metrics.culling import SCENES
from simagents.metrics.displacement import average_displacement
from simagents.metrics.kinematics import (
    angular_acceleration,
    angular_speed,
    linear_acceleration,
    linear_speed,
)
from simagents.metrics.red_lights import RedLights, traffic_light_violation
from simagents.metrics.road_edges import OFFROAD_DISTANCE, RoadEdges, distance_to_road_edge
from simagents.scenarios.scenario import CURRENT, SIMULATED, Scenario
from simagents.scenarios.scorable import undefined

_ON_CPU, _ON_ACCELERATOR = 1 << 19, 1 << 26
"""Elements that intermediate arrays hold together: bounds memory and changes no result. So many nearly
stay in the cache of a CPU core, or keep a GPU busy."""
_ARRAYS = 4  # intermediate arrays at a time, about
_CORNERS = 4
_LARGEST = 1e18  # metres: beyond, squares of distances are beyond float32


def _budget(device: torch.device) -> int:
    return _ON_CPU if device.type == "cpu" else _ON_ACCELERATOR


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
    def join(cls, parts: Sequence["Features"]) -> "Features":
        """The rollouts of all parts, in order."""
        if len(parts) == 1:
            return parts[0]
        names = [field.name for field in fields(cls)]
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class LoggedScenes:
    """What features need of a scenario besides trajectories; of several, one after the other.

    A simulated and E evaluated agents in all.
    """

    evaluated: Int64[Tensor, "E"]
    """rows among the simulated agents"""
    number: Int64[Tensor, "E"]
    """of the scene that an evaluated agent is in: 0, 1, …"""
    size: Float32[Tensor, "A 3"]
    """length, width, height at the current step, which holds for the log too"""
    log: Float32[Tensor, "4 A 91"]
    """x, y, z, heading in the world frame, as logged: zeros where invalid"""
    valid: Bool[Tensor, "A 91"]
    edges: RoadEdges
    lights: RedLights
    neighbours: Pairs
    """of evaluated agents with all the other agents of their scene"""
    signals: Pairs
    """of evaluated agents with the signals of their scene"""

    @classmethod
    def of(cls, scenario: Scenario) -> "LoggedScenes":
        """The parts of a scenario that the metric reads; InputError where it is not defined."""
        if reason := undefined(scenario):
            raise InputError(
                f"scenario {scenario.id} {reason}, so the metric is not defined on it; leave it out."
            )
        rows = scenario.simulated
        place = {row: i for i, row in enumerate(rows.tolist())}
        evaluated = torch.tensor([place[row] for row in scenario.evaluated.tolist()])
        position = torch.from_numpy(scenario.position[rows])
        heading = torch.from_numpy(scenario.heading[rows])
        lights = RedLights.of(scenario)
        every = torch.ones(len(evaluated), len(lights.lane), dtype=torch.bool)
        return cls(
            evaluated,
            torch.zeros_like(evaluated),
            torch.from_numpy(scenario.size[rows]),
            torch.stack([*position.unbind(-1), heading]),
            torch.from_numpy(scenario.valid[rows]),
            RoadEdges.of(scenario),
            lights,
            Pairs.of(torch.arange(len(rows)) != evaluated[:, None]),
            Pairs.of(every),
        )

    @classmethod
    def join(cls, parts: Sequence["LoggedScenes"]) -> "LoggedScenes":
        """Several scenes as one; the features of each are what they are alone."""
        if len(parts) > SCENES:
            raise InputError(f"at most {SCENES} scenes can be one batch, not {len(parts)}.")
        agents = [len(part.size) for part in parts]
        return cls(
            shifted([part.evaluated for part in parts], agents),
            shifted([part.number for part in parts], [len(part) for part in parts]),
            torch.cat([part.size for part in parts]),
            torch.cat([part.log for part in parts], dim=1),
            torch.cat([part.valid for part in parts]),
            RoadEdges.join([part.edges for part in parts]),
            RedLights.join([part.lights for part in parts]),
            Pairs.join([part.neighbours for part in parts], agents),
            Pairs.join([part.signals for part in parts], [len(part.lights.lane) for part in parts]),
        )

    def __len__(self) -> int:
        """How many scenes."""
        return len(self.edges.first) - 1

    @torch.no_grad()
    def features(
        self, rollouts: Float32[Tensor, "R A 80 4"], *, budget: int | None = None
    ) -> Features:
        """Features of simulated trajectories: x, y, z, heading from the step after the current one.

        The official evaluator puts the logged history in front and takes every simulated step for
        valid. `budget` bounds the elements of an intermediate array and changes no result.
        """
        self._check(rollouts)
        budget = budget or _budget(rollouts.device)
        least = rollouts.shape[2] * max(_CORNERS, *self.neighbours.counts)
        parts = rollouts.permute(3, 1, 0, 2).split(max(1, budget // least), dim=2)
        return Features.join([self._features(part, None, budget) for part in parts])

    @torch.no_grad()
    def log_features(self, *, budget: int | None = None) -> Features:
        """Features of the log, as one rollout, valid where the log is."""
        future = slice(CURRENT + 1, None)
        budget = budget or _budget(self.log.device)
        return self._features(self.log[:, :, None, future], self.valid[:, future], budget)

    def _check(self, rollouts: Tensor) -> None:
        """Raises InputError for what would be measured as something that it is not."""
        agents, device, dtype = len(self.size), self.size.device, rollouts.dtype
        if rollouts.ndim != 4 or not len(rollouts) or rollouts.shape[2:] != (SIMULATED, 4):
            raise InputError(
                f"rollouts have the shape {list(rollouts.shape)};"
                f" [rollouts, agents, {SIMULATED}, 4] is needed, and one rollout at least."
            )
        if rollouts.shape[1] != agents:
            raise InputError(
                f"rollouts have {rollouts.shape[1]} agents where the scenario simulates {agents}."
            )
        if dtype != torch.float32:
            raise InputError(f"rollouts are {dtype}; torch.float32 is what the metric is made of.")
        if rollouts.device != device:
            raise InputError(
                f"rollouts are on {rollouts.device} and the log on {device}; give both one device."
            )
        if not (torch.stack(rollouts.aminmax()).abs() <= _LARGEST).all():
            raise InputError(
                f"rollouts hold NaN, infinite or absurd values; all must be finite and"
                f" below {_LARGEST:.0e}."
            )

    def _features(
        self,
        simulated: Float32[Tensor, "4 A R 80"],
        valid: Bool[Tensor, "A 80"] | None,
        budget: int,
    ) -> Features:
        budget = budget // _ARRAYS
        rollouts, steps = simulated.shape[2:]
        now = self.log[:, :, None, CURRENT : CURRENT + 1].expand(-1, -1, rollouts, -1)
        poses = torch.cat([now, simulated], dim=-1)
        past = self.log[:, self.evaluated, None, :CURRENT].expand(-1, -1, rollouts, -1)
        own = torch.cat([past, poses[:, self.evaluated]], dim=-1)
        planar, future = poses[[0, 1, 3]], slice(CURRENT + 1, None)
        ahead = planar[..., 1:].contiguous()
        seen = None if valid is None else valid[self.evaluated]

        to_object, seconds = [], []
        for egos, pairs in self.neighbours.split(budget // (rollouts * steps)):
            near = self.size, self.evaluated[egos], pairs, valid
            to_object.append(distance_to_nearest_object(ahead, *near))
            seconds.append(time_to_collision(planar, *near))
        sizes = self.size[self.evaluated]
        to_edge = [
            distance_to_road_edge(
                self.edges,
                own[:, egos, :, future],
                sizes[egos],
                self.number[egos],
                None if seen is None else seen[egos],
                budget=budget,
            )
            for egos in _runs(len(self.evaluated), budget // (rollouts * steps * _CORNERS))
        ]
        violates = traffic_light_violation(
            self.lights, own[:2, ..., CURRENT:], self.signals, self.number, seen, budget=budget
        )
        x, y, z, heading = own
        speed = linear_speed(x, y, z)
        yaw_rate, yaw_per_step = angular_speed(heading)
        object_distance, edge_distance = torch.cat(to_object), torch.cat(to_edge)
        logged = self.log[:3, self.evaluated], self.valid[self.evaluated]
        by_agent = Features(
            linear_speed=speed[..., future],
            linear_acceleration=linear_acceleration(speed)[..., future],
            angular_speed=yaw_rate[..., future],
            angular_acceleration=angular_acceleration(yaw_per_step)[..., future],
            distance_to_nearest_object=object_distance,
            collision_per_step=object_distance < COLLISION_DISTANCE,
            time_to_collision=torch.cat(seconds),
            distance_to_road_edge=edge_distance,
            offroad_per_step=edge_distance > OFFROAD_DISTANCE,
            traffic_light_violation_per_step=violates,
            average_displacement_error=average_displacement(own[:3], *logged),
        )
        return Features(
            *(getattr(by_agent, field.name).transpose(0, 1) for field in fields(Features))
        )


def _runs(agents: int, limit: int) -> list[slice]:
    """All rows, `limit` at a time, but no fewer than one."""
    step = max(1, limit)
    return [slice(first, first + step) for first in range(0, agents, step)]
