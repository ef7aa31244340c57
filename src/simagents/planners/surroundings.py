"""What a planner knows of a scene before it drives: route, road edges, lanes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor

from simagents.metrics.road_edges import OFFROAD_DISTANCE, RoadEdges, distance_to_road_edge
from simagents.planners.route import route_of
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS, Scenario

REACH_SECONDS = SIMULATED * STEP_SECONDS + 1.6
"""From the current step to the end of the longest look-ahead."""
FASTEST = 4.0
"""Acceleration in m/s² for which routes are long enough."""
_BUDGET = 1 << 20


@dataclass(frozen=True, eq=False)
class Surroundings:
    """One scene's map and the SDC's route. The scene's frame has its origin at the SDC of the current
    step and the axes of the world."""

    scenario: Scenario
    """with its map and lane graph; a planner that reads more of the log than the history cheats"""
    origin: Float64[np.ndarray, "2"]
    """of the scene's frame in the world (m)"""
    route: Float32[Tensor, "n 2"]
    """points of the route in the scene's frame (m)"""

    @staticmethod
    def of(scenario: Scenario) -> "Surroundings":
        """Of a scenario whose map has a road edge (`scenarios.scorable`)."""
        speed = float(np.linalg.norm(scenario.velocity[scenario.sdc, CURRENT]))
        ahead = speed * REACH_SECONDS + 0.5 * FASTEST * REACH_SECONDS**2
        origin = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
        route = (route_of(scenario, ahead) - origin).astype(np.float32)
        return Surroundings(scenario, origin, torch.from_numpy(route))

    @cached_property
    def edges(self) -> RoadEdges:
        """The road edges, in the world frame."""
        return RoadEdges.of(self.scenario)

    @cached_property
    def height(self) -> float:
        """z of the SDC's centre at the current step (m)."""
        return float(self.scenario.position[self.scenario.sdc, CURRENT, 2])

    def project(
        self, points: Float[Tensor, "Q 2"]
    ) -> tuple[Float[Tensor, "Q"], Float[Tensor, "Q"]]:
        """Progress along the route, and distance from it (m), of places in the scene's frame."""
        route = self.route.to(points)
        way = route.diff(dim=0)
        length = way.norm(dim=-1)
        unit = way / length[:, None]
        nearest = []
        for part in points.split(1 + _BUDGET // len(way)):
            from_start = part[:, None] - route[:-1]
            along = (from_start * unit).sum(dim=-1).clamp(min=0).minimum(length)
            away = (from_start - along[..., None] * unit).norm(dim=-1)
            least = away.min(dim=1)
            place = along.gather(1, least.indices[:, None])[:, 0]
            start = (length.cumsum(0) - length)[least.indices]
            nearest.append((start + place, least.values))
        return torch.cat([each[0] for each in nearest]), torch.cat([each[1] for each in nearest])

    def off_road(
        self, poses: Float[Tensor, "W T 3"], size: Float32[Tensor, "3"]
    ) -> Bool[Tensor, "W T"]:
        """Whether a box of that length, width and height reaches beyond a road edge, by the official
        metric's distance of its outermost corner (m, scene's frame). It stays at the SDC's height."""
        device, poses = poses.device, poses.cpu()  # where the map is
        place = (poses[..., :2].double() + torch.from_numpy(self.origin)).float()
        height = torch.full_like(place[..., 0], self.height)
        boxes = torch.stack([place[..., 0], place[..., 1], height, poses[..., 2].float()])[:, None]
        scene = torch.zeros(1, dtype=torch.int64)
        distance = distance_to_road_edge(self.edges, boxes, size[None].cpu(), scene, budget=_BUDGET)
        return (distance[0] > OFFROAD_DISTANCE).to(device)
