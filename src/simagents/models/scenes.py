"""Scenes for every model family, controller and reward: ragged, concatenated, unpadded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor

from simagents.models.tensors import Tensors, row_of
from simagents.scenarios.agent_class import class_of
from simagents.scenarios.scenario import CURRENT, Scenario


@dataclass(frozen=True, eq=False)
class MapBatch(Tensors):
    """The maps of S scenes: L polylines with P points and K links in all, by scene."""

    scene: Int64[Tensor, "L"]
    kind: Int64[Tensor, "L"]
    """MapKind"""
    type: Int64[Tensor, "L"]
    """LaneType, RoadLineType or RoadEdgeType by kind"""
    light: Int64[Tensor, "L"]
    """LightState of a lane at the current step; UNLISTED where it has no signal"""
    polyline: Int64[Tensor, "P"]
    """the polyline of each point"""
    point: Float32[Tensor, "P 3"]
    """x and y in metres from the scene's origin, z as in the world"""
    link: Int64[Tensor, "K 3"]
    """LinkKind and two polylines: the lane graph; links beyond the map's end are left out"""


@dataclass(frozen=True, eq=False)
class SceneBatch(Tensors):
    """S scenes with A agents in all: those that are valid at the current step.

    Agents are ordered by scene, then as in `Scenario.simulated`. Positions are metres from the
    scene's origin, which is the SDC at the current step, so that float32 is exact enough. 91 log
    steps of 0.1 s; step 10 is the current one. Where `valid` is False the other arrays hold zero.
    """

    ids: tuple[str, ...]
    """of the scenarios"""
    counts: tuple[int, ...]
    """agents of each scene, known without waiting for a device"""
    origin: Float64[Tensor, "S 2"]
    """x and y of each scene's origin in the world frame"""
    agent_scene: Int64[Tensor, "A"]
    agent_class: Int64[Tensor, "A"]
    """index in CLASSES"""
    agent_size: Float32[Tensor, "A 3"]
    """length, width, height: means over the log"""
    is_sdc: Bool[Tensor, "A"]
    pose: Float64[Tensor, "A 91 3"]
    """x, y, heading; double, so that the world frame's float32 comes back to the last bit"""
    height: Float32[Tensor, "A 91"]
    """z in the world frame"""
    velocity: Float32[Tensor, "A 91 2"]
    valid: Bool[Tensor, "A 91"]
    trained: Bool[Tensor, "A"]
    """agents that the supervised loss counts"""
    map: MapBatch | None = None
    """for families that read polylines"""
    goal: Float32[Tensor, "A 2"] | None = None
    """where agents should arrive; NaN for those without a goal"""
    representation: Tensors | None = None
    """what the model family's network reads besides; private to the family"""

    @property
    def scenes(self) -> int:
        """S"""
        return len(self.ids)

    @property
    def device(self) -> torch.device:
        return self.agent_scene.device

    @property
    def heading(self) -> Float32[Tensor, "S"]:
        """Of each scene's own x axis: the SDC's heading at the current step."""
        return self.pose[self.is_sdc, CURRENT, 2].float()

    @property
    def agent_axis(self) -> Float32[Tensor, "A"]:
        """Heading of the own x axis of each agent's scene."""
        return self.heading[self.agent_scene]

    @property
    def agents(self) -> Int64[Tensor, "S"]:
        """Agents of each scene."""
        return torch.tensor(self.counts, device=self.device)


def collate(
    scenarios: Sequence[Scenario],
    trained: Sequence[np.ndarray] | None = None,
    representation: Tensors | None = None,
    with_map: bool = False,
    goals: Sequence[np.ndarray] | None = None,
) -> SceneBatch:
    """Concatenate scenes. `trained` are masks over each scene's simulated agents; None: all.

    `goals` are those of `scenarios.goals`, metres in the world frame; None: there are none.
    The SDC of every scenario is valid at the current step.
    """
    rows = [scenario.simulated for scenario in scenarios]

    def join(arrays: Sequence[np.ndarray], dtype: torch.dtype) -> Tensor:
        return torch.from_numpy(np.concatenate(arrays)).to(dtype)

    def of_agents(name: str, dtype: torch.dtype) -> Tensor:
        parts = [getattr(s, name)[r] for s, r in zip(scenarios, rows, strict=True)]
        return join(parts, dtype)

    origin = np.stack([s.position[s.sdc, CURRENT, :2].astype(np.float64) for s in scenarios])
    owner = row_of(map(len, rows))
    valid = of_agents("valid", torch.bool)
    position = of_agents("position", torch.float64)
    position[..., :2] -= torch.from_numpy(origin)[owner][:, None]
    heading = of_agents("heading", torch.float64)
    pose = torch.cat([position[..., :2], heading[..., None]], dim=-1)
    if trained is None:
        trained = [np.ones(len(r), dtype=bool) for r in rows]
    return SceneBatch(
        ids=tuple(scenario.id for scenario in scenarios),
        counts=tuple(map(len, rows)),
        origin=torch.from_numpy(origin),
        agent_scene=owner,
        agent_class=class_of(of_agents("agent_type", torch.int64)),
        agent_size=of_agents("mean_size", torch.float32),
        is_sdc=join([r == s.sdc for s, r in zip(scenarios, rows, strict=True)], torch.bool),
        pose=pose * valid[..., None],
        height=position[..., 2].float() * valid,
        velocity=of_agents("velocity", torch.float32) * valid[..., None],
        valid=valid,
        trained=join(trained, torch.bool),
        map=_map_of(scenarios, origin) if with_map else None,
        goal=join([g - zero for g, zero in zip(goals, origin, strict=True)], torch.float32)
        if goals is not None
        else None,
        representation=representation,
    )


def _map_of(scenarios: Sequence[Scenario], origin: np.ndarray) -> MapBatch:
    first, lights, points, links = 0, [], [], []
    for scenario, zero in zip(scenarios, origin, strict=True):
        row = {int(feature): place for place, feature in enumerate(scenario.map_id)}
        light = np.full(len(scenario.map_id), -1, dtype=np.int64)
        for lane, state in zip(scenario.light_lane, scenario.light_state[:, CURRENT], strict=True):
            if int(lane) in row:
                light[row[int(lane)]] = state
        lights.append(light)
        points.append((scenario.map_point.astype(np.float64) - [*zero, 0.0]).astype(np.float32))
        links += [
            (kind, first + row[a], first + row[b])
            for kind, a, b in scenario.link.tolist()
            if a in row and b in row
        ]
        first += len(row)
    lengths = np.concatenate([np.diff(scenario.map_start) for scenario in scenarios])
    return MapBatch(
        scene=row_of(len(scenario.map_id) for scenario in scenarios),
        kind=torch.from_numpy(np.concatenate([s.map_kind for s in scenarios])).long(),
        type=torch.from_numpy(np.concatenate([s.map_type for s in scenarios])).long(),
        light=torch.from_numpy(np.concatenate(lights)),
        polyline=row_of(lengths.tolist()),
        point=torch.from_numpy(np.concatenate(points)),
        link=torch.tensor(links, dtype=torch.int64).view(-1, 3),
    )
