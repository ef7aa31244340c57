"""A one-way carriageway that a ramp joins; the opposite carriageway lies behind a median."""

import numpy as np

from simagents.scenarios.scenario import LaneType, RoadEdgeType, RoadLineType
from simagents.scenarios.synthetic.curves import beside, straight_then_bend
from simagents.scenarios.synthetic.network import Network, Rule


def merge(rng) -> Network:
    """Everything is drawn beside one axis, which runs in the middle of the median."""
    network = Network()
    lanes = int(rng.integers(2, 5))
    width, shoulder = rng.uniform(3.5, 3.8), rng.uniform(1.6, 2.6)
    limit = float(rng.choice([15.6, 17.9, 20.1, 24.6]))
    road = {"limit": limit, "kind": LaneType.FREEWAY if limit > 19 else LaneType.SURFACE_STREET}
    axis = straight_then_bend((-120.0, 0.0), 0.0, 240.0, rng.normal(0, 1 / 700), calm=0.0)
    median = rng.uniform(1.5, 4.0) / 2
    first = median + 0.6  # the left border of the leftmost lane
    outer = first + lanes * width
    joint = int(rng.uniform(0.5, 0.65) * len(axis))
    middle = first + (np.arange(lanes) + 0.5) * width

    before = [
        network.lane(beside(axis[: joint + 1], -at), inside=bool(at == middle[-1]), **road)
        for at in middle
    ]
    behind = [network.lane(beside(axis[joint:], -at), **road) for at in middle]
    back = [network.lane(beside(axis, at)[::-1], **road) for at in middle]
    for a, b in zip(before, behind, strict=True):
        network.lanes[a].exits.append(b)
    for carriageway in (before, behind, back):
        network.side_by_side(carriageway)

    away = _ramp(rng, axis, joint)  # of the ramp from the lane that it joins
    _join(network, axis, joint, middle[-1], away, behind[-1], road)

    kerb = outer + shoulder
    ramp_left = middle[-1] + away - width / 2 - 0.8
    ramp_right = np.maximum(kerb, middle[-1] + away + width / 2 + 1.2)
    tip = int(np.flatnonzero(ramp_left < kerb + 0.5)[0])
    gore = np.concatenate([beside(axis[:tip], -kerb), beside(axis, -ramp_left)[: tip + 1][::-1]])
    half = np.minimum(median, 0.4 + 0.3 * np.arange(len(axis)))  # pointed where the map ends
    half = np.minimum(half, half[::-1])
    loop = np.concatenate([beside(axis, half), beside(axis, -half)[::-1]])
    network.edges += [
        (beside(axis, kerb)[::-1], RoadEdgeType.BOUNDARY),
        (np.concatenate([loop, loop[:1]]), RoadEdgeType.MEDIAN),
        (gore, RoadEdgeType.BOUNDARY),
        (beside(axis, -ramp_right), RoadEdgeType.BOUNDARY),
    ]
    for side in (1, -1):
        network.lines.append((beside(axis, side * first), RoadLineType.SOLID_SINGLE_YELLOW))
        for i in range(1, lanes):
            divider = beside(axis, side * (first + i * width))
            network.lines.append((divider, RoadLineType.BROKEN_SINGLE_WHITE))
    network.lines.append((beside(axis, outer), RoadLineType.SOLID_SINGLE_WHITE))
    for part in (axis[:tip], axis[joint:]):
        network.lines.append((beside(part, -outer), RoadLineType.SOLID_SINGLE_WHITE))
    return network


def _ramp(rng, axis, joint):
    """How far to the right of its goal the ramp is, at each point of the axis."""
    x = np.clip(np.arange(len(axis)) / joint, 0.0, 1.0)
    return rng.uniform(15.0, 24.0) * (1 - x**3 * (10 - 15 * x + 6 * x * x))


def _join(network, axis, joint, goal, away, target, road):
    """The ramp: a lane of its own, and the piece on which its drivers look for a gap."""
    cut = int(np.flatnonzero(away < 4.6)[0])
    points = beside(axis, -(goal + away))
    slow = {**road, "limit": min(road["limit"], 17.9)}
    lane = network.lane(points[: cut + 1], **slow)
    piece = points[cut : joint + 1]
    piece[-1] = network.lanes[target].points[0]
    merging = network.lane(piece, inside=True, rule=Rule.YIELD, rank=0, **slow)
    network.lanes[lane].exits.append(merging)
    network.lanes[merging].exits.append(target)
