"""Who drives past a red light."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.metrics.concatenation import Pairs, ends_of
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

    segment: Float32[Tensor, "4 N"]
    """x, y of the start, then of the way from start to end"""
    lane: Int64[Tensor, "N"]
    """row among the map features of the scene"""
    first: Int64[Tensor, "B"]
    """where the segments of each scene begin, and those of the last one end"""

    @classmethod
    def of(cls, scenario: Scenario) -> "LaneSegments":
        """The lanes of a map; none where it has no surface street."""
        chosen = scenario.map_kind == MapKind.LANE
        chosen &= scenario.map_type == LaneType.SURFACE_STREET
        chosen &= np.diff(scenario.map_start) >= 2
        rows = chosen.nonzero()[0].tolist()
        lines = [scenario.polyline(row)[:, :2] for row in rows]
        longest = max((len(line) for line in lines), default=0)
        origin = np.zeros((1, 2), np.float32)
        lines = [np.concatenate([line, origin]) if len(line) < longest else line for line in lines]
        ways = [np.concatenate([line[:-1], np.diff(line, axis=0)], axis=1) for line in lines]
        lane = np.repeat(np.array(rows, np.int64), [len(way) for way in ways])
        return cls(
            torch.from_numpy(np.concatenate([np.zeros((0, 4), np.float32), *ways]).T.copy()),
            torch.from_numpy(lane),
            torch.tensor([0, len(lane)]),
        )

    @classmethod
    def join(cls, parts: Sequence["LaneSegments"]) -> "LaneSegments":
        """The lanes of several scenes, in order."""
        return cls(
            torch.cat([part.segment for part in parts], dim=1),
            torch.cat([part.lane for part in parts]),
            ends_of([part.first for part in parts]),
        )

    def square(
        self, points: Float32[Tensor, "2 n"], row: Int64[Tensor, "K n"]
    ) -> Float32[Tensor, "K n"]:
        """Square of the official distance in metres, sign error included."""
        segment = self.segment.index_select(1, row.flatten()).view(4, *row.shape)
        sx, sy, ux, uy = segment
        x, y = points[0] - sx, points[1] - sy
        part = along(points, segment).clamp(0, 1)
        return (x + part * ux) ** 2 + (y + part * uy) ** 2

    def wobble(
        self, half: Float32[Tensor, "2 n"], row: Int64[Tensor, "K n"]
    ) -> Float32[Tensor, "n"]:
        """The point moves by at most the half diagonal, and so does the foot that is added."""
        return 2 * torch.hypot(half[0], half[1])


def along(
    points: Float32[Tensor, "2 *#P"], segment: Float32[Tensor, "4 *#P"]
) -> Float32[Tensor, "*P"]:
    """Where points project on a segment's line: 0 at its start, 1 at its end."""
    sx, sy, ux, uy = segment
    square = ux * ux + uy * uy
    return torch.where(square > 0, ((points[0] - sx) * ux + (points[1] - sy) * uy) / square, 0)


@dataclass(frozen=True, eq=False)
class RedLights:
    """Signals of surface streets over the T = 81 steps from the current one to the last.

    L signals that are red at some step; the stop line of a signal crosses the segment of its lane
    that is nearest to the stop point, by the official distance. A step that does not list a signal
    has its stop point at the world's origin, as in the official code.
    """

    lanes: LaneSegments
    lane: Int64[Tensor, "L"]
    """row among the map features of the scene"""
    red: Bool[Tensor, "L T"]
    segment: Float32[Tensor, "4 L T"]
    stop: Float32[Tensor, "L T"]
    """where the stop point projects on the segment"""

    @classmethod
    def of(cls, scenario: Scenario) -> "RedLights":
        """The signals whose lane is a surface street on the map; the others never turn red."""
        lanes = LaneSegments.of(scenario)
        row_of = {int(scenario.map_id[row]): row for row in lanes.lane.unique().tolist()}
        red = np.isin(scenario.light_state[:, CURRENT:], _RED)
        signals = [
            i
            for i, lane in enumerate(scenario.light_lane.tolist())
            if lane in row_of and red[i].any()
        ]
        stops = torch.from_numpy(scenario.light_stop[signals, CURRENT:, :2]).permute(2, 0, 1)
        lane = torch.tensor([row_of[int(scenario.light_lane[i])] for i in signals]).long()
        segment = torch.zeros(4, *stops.shape[1:])
        for signal, row in enumerate(lane):
            own = (lanes.lane == row).nonzero()[:, 0]
            # Few signals move, so there are few stop points to look at.
            places, which = stops[:, signal].unique(dim=1, return_inverse=True)
            distance = root(lanes.square(places, own[:, None].expand(-1, places.shape[1])))
            segment[:, signal] = lanes.segment[:, own[distance.argmin(dim=0)][which]]
        return cls(
            lanes, lane, torch.from_numpy(red[signals]), segment, along(stops.contiguous(), segment)
        )

    @classmethod
    def join(cls, parts: Sequence["RedLights"]) -> "RedLights":
        """The signals of several scenes, in order."""
        return cls(
            LaneSegments.join([part.lanes for part in parts]),
            torch.cat([part.lane for part in parts]),
            torch.cat([part.red for part in parts]),
            torch.cat([part.segment for part in parts], dim=1),
            torch.cat([part.stop for part in parts]),
        )


def traffic_light_violation(
    lights: RedLights,
    position: Float32[Tensor, "2 E R _"],
    pairs: Pairs,
    scene: Int64[Tensor, "E"],
    valid: Bool[Tensor, "E T"] | None = None,
    *,
    budget: int,
) -> Bool[Tensor, "E R T"]:
    """Where an agent's centre passes the stop line of its lane while the light is red.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. Positions (x, y) from the
    current step on; an agent passes at a step if it is before that step's stop point and was behind
    the previous step's, both along the segments that these belong to. All types of agents count
    here. `pairs` of agents with signals; `scene` is the number of each agent's scene.
    """
    agents, rollouts, steps = position.shape[1:]
    violates = torch.zeros(agents, rollouts, steps - 1, dtype=torch.bool, device=position.device)
    for egos, part in pairs.split(max(1, budget // (rollouts * steps))):
        light, ego = part.other, part.ego
        centre = position[:, egos].index_select(1, ego)
        at = along(centre, lights.segment.index_select(1, light)[:, :, None])
        stop = lights.stop[light, None]
        passes = (at < stop)[..., :-1] & (at > stop)[..., 1:] & lights.red[light, None, 1:]
        if valid is not None:
            passes &= valid[egos][ego][:, None]

        # The nearest lane is dear to find, and matters only where a line is passed.
        pair, rollout, step = passes.nonzero(as_tuple=True)
        if len(pair):
            centres = centre[:, pair, rollout, step + 1]
            nearest = first_nearest(centres, scene[egos][ego[pair]], lights.lanes, budget=budget)
            own = lights.lanes.lane[nearest] == lights.lane[light[pair]]
            violates[egos][ego[pair[own]], rollout[own], step[own]] = True
    return violates
