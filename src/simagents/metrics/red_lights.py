"""Who drives past a red light."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.metrics.culling import first_nearest
from simagents.metrics.rounding import root
from simagents.scenarios.scenario import CURRENT, LaneType, LightState, MapKind, Scenario

_RED = (LightState.ARROW_STOP, LightState.STOP)  # a flashing red light may be passed


@dataclass(frozen=True, eq=False)
class LaneSegments:
    """Segments of all surface streets' centre lines, in the order of the map (m, world frame).

    The official code pads lanes with zeros to the length of the longest and checks only where a
    segment starts: every lane but the longest ends in a segment to the world's origin. It also
    adds the way to the foot of the perpendicular where it should subtract it. Waymo Open Sim
    Agents Challenge 2025, official evaluator 1.6.7; both are reproduced here.
    """

    segment: Float32[Tensor, "4 S"]
    """x, y of the start, then of the way from start to end"""
    lane: Int64[Tensor, "S"]
    """row of the map feature"""

    def __len__(self) -> int:
        return self.segment.shape[1]

    def distance(
        self, points: Float32[Tensor, "2 P"], row: Int64[Tensor, "P"]
    ) -> Float32[Tensor, "P"]:
        """The official distance in metres, sign error included."""
        segment = self.segment.index_select(1, row)
        sx, sy, ux, uy = segment
        x, y = points[0] - sx, points[1] - sy
        part = along(points, segment).clamp(0, 1)
        return root((x + part * ux) ** 2 + (y + part * uy) ** 2)

    def wobble(self, half: Float32[Tensor, "2 P"], row: Int64[Tensor, "P"]) -> Float32[Tensor, "P"]:
        """The point moves by at most the half diagonal, and so does the foot that is added."""
        return 2 * torch.hypot(half[0], half[1])


def along(
    points: Float32[Tensor, "2 *P"], segment: Float32[Tensor, "4 *#P"]
) -> Float32[Tensor, "*P"]:
    """Where points project on a segment's line: 0 at its start, 1 at its end."""
    sx, sy, ux, uy = segment
    square = ux * ux + uy * uy
    return torch.where(square > 0, ((points[0] - sx) * ux + (points[1] - sy) * uy) / square, 0)


@dataclass(frozen=True, eq=False)
class RedLights:
    """Signals of surface streets over the T = 81 steps from the current one to the last.

    L signals; the stop line of a signal crosses the segment of its lane that is nearest to the stop
    point, by the official distance. A step that does not list a signal has its stop point at the
    world's origin, as in the official code.
    """

    lanes: LaneSegments
    lane: Int64[Tensor, "L"]
    red: Bool[Tensor, "L T"]
    segment: Float32[Tensor, "4 L T"]
    stop: Float32[Tensor, "L T"]
    """where the stop point projects on the segment"""

    @classmethod
    def of(cls, scenario: Scenario, device: torch.device | str = "cpu") -> "RedLights":
        """The signals whose lane is a surface street on the map; the others never turn red."""
        lanes = _lane_segments(scenario)
        row_of = {int(scenario.map_id[row]): row for row in lanes.lane.unique().tolist()}
        signals = [i for i, lane in enumerate(scenario.light_lane.tolist()) if lane in row_of]
        state = torch.from_numpy(scenario.light_state[signals, CURRENT:])
        stops = torch.from_numpy(scenario.light_stop[signals, CURRENT:, :2]).permute(2, 0, 1)
        lane = torch.tensor([row_of[int(scenario.light_lane[i])] for i in signals]).long()
        segment = torch.zeros(4, *stops.shape[1:])
        for signal, row in enumerate(lane):
            own = (lanes.lane == row).nonzero()[:, 0]
            points = stops[:, signal].repeat_interleave(len(own), dim=1)
            distance = lanes.distance(points, own.repeat(stops.shape[2])).view(-1, len(own))
            segment[:, signal] = lanes.segment[:, own[distance.argmin(dim=1)]]
        red = (state == _RED[0]) | (state == _RED[1])
        return cls(
            LaneSegments(lanes.segment.to(device), lanes.lane.to(device)),
            lane.to(device),
            red.to(device),
            segment.to(device),
            along(stops.contiguous(), segment).to(device),
        )


def _lane_segments(scenario: Scenario) -> LaneSegments:
    chosen = (scenario.map_kind == MapKind.LANE) & (scenario.map_type == LaneType.SURFACE_STREET)
    chosen &= np.diff(scenario.map_start) >= 2
    rows = chosen.nonzero()[0].tolist()
    longest = max((len(scenario.polyline(row)) for row in rows), default=0)
    segments, lane = [torch.zeros(0, 4)], []
    for row in rows:
        points = torch.tensor(scenario.polyline(row)[:, :2])
        if len(points) < longest:
            points = torch.cat([points, torch.zeros(1, 2)])
        segments.append(torch.cat([points[:-1], points[1:] - points[:-1]], dim=1))
        lane += [row] * (len(points) - 1)
    return LaneSegments(torch.cat(segments).T.contiguous(), torch.tensor(lane).long())


def traffic_light_violation(
    lights: RedLights,
    x: Float32[Tensor, "R E 81"],
    y: Float32[Tensor, "R E 81"],
    valid: Bool[Tensor, "E 80"],
    *,
    budget: int,
) -> Bool[Tensor, "R E 80"]:
    """Where an agent's centre passes the stop line of its lane while the light is red.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. Positions from the current step
    on; an agent passes at a step if it is before that step's stop point and was behind the previous
    step's, both along the segments that these belong to. All types of agents count here.
    """
    points = torch.stack([x, y])[:, :, :, None]
    position = along(points.expand(-1, -1, -1, len(lights.lane), -1), lights.segment[:, None, None])
    behind = (position < lights.stop)[..., :-1]
    ahead = (position > lights.stop)[..., 1:]
    passes = behind & ahead & lights.red[:, 1:] & valid[:, None]

    # The nearest lane is dear to find, and matters only where a line is passed.
    violates = passes.any(dim=2)
    rollout, agent, step = violates.nonzero(as_tuple=True)
    if len(rollout):
        centres = points[:, rollout, agent, 0, step + 1]
        lane = lights.lanes.lane[first_nearest(centres, lights.lanes, budget=budget)]
        own = lights.lane == lane[:, None]
        violates[rollout, agent, step] = (passes[rollout, agent, :, step] & own).any(dim=1)
    return violates
