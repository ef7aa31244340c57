"""Ways through a network as arrays: where they lead, how fast, whom they follow and cross.

A place on a route is its arc length s from the start of the first lane, in metres. Routes go on
straight before and behind the network, so that traffic can come and go: a place may be negative.
"""

from dataclasses import dataclass

import numpy as np

from simagents.scenarios.scenario import LaneType
from simagents.scenarios.synthetic.network import Network, Rule

LEAD = 130
"""Metres of straight road before the first lane of each route."""
TAIL = 220
"""and behind the last one."""
LATERAL_ACCELERATION = 2.1  # that drivers accept in a bend, m/s^2
_BRAKING = 1.5  # with which they slow down for it, m/s^2
_CLOSE = 2.7  # paths closer than this cannot be driven at the same time, m
_NEVER = 1e9
_BIKE, _NONE = LaneType.BIKE_LANE, Rule.NONE  # looked up once: members of enums are slow


@dataclass
class Routes:
    """R routes on a grid of 1 m; arrays [R], [R, M] or [R, R] (row: the one who looks)."""

    lanes: list[tuple[int, ...]]
    lane_start: np.ndarray
    """[R, lanes of the network]: place at which each lane begins, NaN where the route misses it"""
    length: np.ndarray
    pose: np.ndarray
    """[R, M, 3] at places m - LEAD: x, y, heading (unwrapped)"""
    speed: np.ndarray
    """[R, M] m/s: limits and bends, with room to brake for them"""
    bicycle: np.ndarray
    gate: np.ndarray
    """place of the line at which the route may have to wait; far away where there is none"""
    gate_lane: np.ndarray
    rule: np.ndarray
    rank: np.ndarray
    signal: np.ndarray
    crosswalk: np.ndarray
    """the crosswalk behind the gate, -1 for none"""
    second_gate: np.ndarray
    """place of the line before the crosswalk on the way out"""
    second_crosswalk: np.ndarray
    offset: np.ndarray
    """add to a place on the other's route to get one's own; NaN where they never meet"""
    low: np.ndarray
    """between these places on one's own route the other one is in the way"""
    high: np.ndarray
    cross: np.ndarray
    """[R, R, 4]: own places of entering and leaving the area of conflict, then the other's"""

    def index(self, s):
        """Column of the grid before each place, and the fraction of the way to the next."""
        column = np.minimum(np.maximum(s + LEAD, 0.0), self.pose.shape[1] - 1.001)
        whole = column.astype(np.intp)
        return whole, column - whole

    def poses(self, route, s):
        """[..., 3] at places s of routes, both [...]."""
        k, part = self.index(s)
        before, after = self.pose[route, k], self.pose[route, k + 1]
        return before + part[..., None] * (after - before)


def tabulate(network: Network) -> Routes:
    """All routes of a network."""
    lanes = [route for route in network.routes() if not _stranded(network, route)]
    along = [_arc(lane.points) for lane in network.lanes]
    span = np.array([a[-1] for a in along])
    start = np.full((len(lanes), len(span)), np.nan)
    for r, route in enumerate(lanes):
        start[r, list(route)] = np.cumsum(np.concatenate([[0.0], span[list(route[:-1])]]))
    length = np.nanmax(start + span, axis=1)
    pose = _poses(network, lanes, along, length)
    gates = _gates(network, lanes, start, span)
    near, first, last = _closeness(network, along)
    offset, low, high = _following(network, lanes, start, span, near, first, last)
    first_lane = [network.lanes[route[0]] for route in lanes]
    return Routes(
        lanes=lanes,
        lane_start=start,
        length=length,
        pose=pose,
        speed=_speeds(network, lanes, start, pose),
        bicycle=np.array([lane.kind == _BIKE for lane in first_lane]),
        **gates,
        offset=offset,
        low=low,
        high=high,
        cross=_crossing(network, lanes, start, gates["gate_lane"], near, first, last),
    )


def _stranded(network, route):
    """A bicycle lane that ends at a junction leads nowhere."""
    lane = network.lanes[route[0]]
    return len(route) == 1 and lane.kind == _BIKE and any(other.inside for other in network.lanes)


def _arc(points):
    step = np.diff(points, axis=0)
    return np.concatenate([[0.0], np.cumsum(np.hypot(step[:, 0], step[:, 1]))])


def _poses(network, lanes, along, length):
    place = np.arange(-LEAD, int(length.max()) + TAIL, dtype=float)
    pose = np.empty((len(lanes), len(place), 3))
    for r, route in enumerate(lanes):
        points = [network.lanes[route[0]].points]
        arcs = [along[route[0]]]
        for lane in route[1:]:
            points.append(network.lanes[lane].points[1:])
            arcs.append(along[lane][1:] + arcs[-1][-1])
        points, arcs = np.concatenate(points), np.concatenate(arcs)
        before, after = points[0] - points[1], points[-1] - points[-2]
        begin = points[0] + before * ((LEAD + 1) / np.hypot(*before))
        reach = place[-1] - arcs[-1] + 1.0
        end = points[-1] + after * (reach / np.hypot(*after))
        arcs = np.concatenate([[-LEAD - 1.0], arcs, [arcs[-1] + reach]])
        pose[r, :, 0] = np.interp(place, arcs, np.concatenate([begin[:1], points[:, 0], end[:1]]))
        pose[r, :, 1] = np.interp(place, arcs, np.concatenate([begin[1:], points[:, 1], end[1:]]))
    ahead = np.empty_like(pose[:, :, :2])
    ahead[:, 1:-1] = pose[:, 2:, :2] - pose[:, :-2, :2]
    ahead[:, 0], ahead[:, -1] = ahead[:, 1], ahead[:, -2]
    pose[:, :, 2] = np.unwrap(np.arctan2(ahead[:, :, 1], ahead[:, :, 0]), axis=1)
    return pose


def _speeds(network, lanes, start, pose):
    """Speed at which one may be everywhere, such that braking for what comes next is enough."""
    place = np.arange(pose.shape[1]) - float(LEAD)
    allowed = np.empty(pose.shape[:2])
    for r, route in enumerate(lanes):
        limits = np.array([network.lanes[i].limit for i in route])
        allowed[r] = limits[np.searchsorted(start[r, list(route)][1:], place, side="right")]
    bend = np.zeros(pose.shape[:2])
    bend[:, 2:-2] = np.abs(pose[:, 4:, 2] - pose[:, :-4, 2]) / 4.0
    np.minimum(allowed, np.sqrt(LATERAL_ACCELERATION / np.maximum(bend, 1e-4)), out=allowed)
    # v^2 may fall by 2 b per metre: the running minimum of v^2 + 2 b s, seen from the end.
    square = allowed**2 + 2 * _BRAKING * place
    square = np.minimum.accumulate(square[:, ::-1], axis=1)[:, ::-1]
    return np.sqrt(np.maximum(square - 2 * _BRAKING * place, 1.0))


def _gates(network, lanes, start, span):
    count = len(lanes)
    gate, second = np.full(count, _NEVER), np.full(count, _NEVER)
    ints = {
        name: np.full(count, -1)
        for name in ("gate_lane", "signal", "crosswalk", "second_crosswalk")
    }
    rule, rank = np.zeros(count, int), np.full(count, 3)
    for r, route in enumerate(lanes):
        for i in route:
            lane = network.lanes[i]
            if gate[r] == _NEVER and (lane.rule != _NONE or lane.crosswalk_at_start >= 0):
                gate[r] = start[r, i]
                ints["gate_lane"][r], ints["signal"][r] = i, lane.signal
                ints["crosswalk"][r] = lane.crosswalk_at_start
                rule[r], rank[r] = lane.rule, lane.rank
            if lane.crosswalk_at_end >= 0:
                second[r] = start[r, i] + span[i] - 5.0
                ints["second_crosswalk"][r] = lane.crosswalk_at_end
    return dict(gate=gate, second_gate=second, rule=rule, rank=rank, **ints)


def _closeness(network, along):
    """Which lanes inside the junction come close, and from where to where on the first of two."""
    count = len(network.lanes)
    near = np.zeros((count, count), bool)
    first, last = np.zeros((count, count)), np.zeros((count, count))
    inside = [i for i, lane in enumerate(network.lanes) if lane.inside]
    if not inside:
        return near, first, last
    # Every other point will do, and takes a quarter of the time.
    pieces = [network.lanes[i].points[::2] for i in inside]
    points = np.concatenate(pieces).astype(np.float32)
    begin = np.cumsum([0, *map(len, pieces)])
    # |p - q|^2 = |p|^2 + |q|^2 - 2 p q is several times faster than differences.
    square = (points**2).sum(axis=1)
    apart = square[:, None] + square - 2 * (points @ points.T)
    touches = np.minimum.reduceat(apart, begin[:-1], axis=0).T < _CLOSE**2
    for k, a in enumerate(inside):
        touching = touches[begin[k] : begin[k + 1]]
        near[a, inside] = touching.any(axis=0)
        place = along[a][::2]
        first[a, inside] = place[touching.argmax(axis=0)]
        last[a, inside] = place[len(touching) - 1 - touching[::-1].argmax(axis=0)]
    return near, first, last


def _following(network, lanes, start, span, near, first, last):
    """For each pair of routes: the stretch that they share, widened where they part or meet."""
    count = len(lanes)
    offset = np.full((count, count), np.nan)
    low, high = np.full((count, count), -_NEVER), np.full((count, count), _NEVER)
    for i, route in enumerate(lanes):
        for j, other in enumerate(lanes):
            shared = [lane for lane in route if lane in other]
            if not shared:
                continue
            a, b = shared[0], shared[-1]
            offset[i, j] = start[i, a] - start[j, a]
            at, there = route.index(a), other.index(a)
            if at > 0 and there > 0:
                before, other_lane = route[at - 1], other[there - 1]
                ahead = (
                    span[before] - first[before, other_lane] if near[before, other_lane] else 0.0
                )
                low[i, j] = start[i, a] - min(ahead, 14.0)
            at, there = route.index(b) + 1, other.index(b) + 1
            if at < len(route) and there < len(other):
                behind, other_lane = route[at], other[there]
                further = last[behind, other_lane] if near[behind, other_lane] else 0.0
                high[i, j] = start[i, b] + span[b] + min(further, 14.0) + 1.0
    return offset, low, high


def _crossing(network, lanes, start, gate_lane, near, first, last):
    """Areas of conflict of each route's gate lane with the other routes' lanes."""
    cross = np.full((len(lanes), len(lanes), 4), np.nan)
    begins = np.array([lane.points[0] for lane in network.lanes])
    rivals = near & ~(begins[:, None] == begins).all(axis=-1)  # who starts together only parts
    for a, lane in enumerate(network.lanes):
        rivals[a, lane.exits] = rivals[lane.exits, a] = False
    for i, a in enumerate(gate_lane):
        if a < 0:
            continue
        for b in np.flatnonzero(rivals[a]):
            other = start[:, b]
            meets = ~np.isnan(other)
            cross[i, meets, 0], cross[i, meets, 1] = (
                start[i, a] + first[a, b],
                start[i, a] + last[a, b],
            )
            cross[i, meets, 2], cross[i, meets, 3] = (
                other[meets] + first[b, a],
                other[meets] + last[b, a],
            )
    return cross
