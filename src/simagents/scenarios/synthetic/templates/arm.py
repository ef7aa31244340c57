"""One arm of a junction: a two-way road that leads away from it."""

from dataclasses import dataclass

import numpy as np

from simagents.scenarios.scenario import LaneType, RoadEdgeType, RoadLineType
from simagents.scenarios.synthetic.curves import (
    beside,
    connect,
    join,
    pose_beside,
    straight_then_bend,
)
from simagents.scenarios.synthetic.network import Network

STEP = 1.5
CROSSWALK = 4  # points of the axis between the inner end of the edges and the stop line
BIKE = 1.7  # width of a bicycle lane, m


@dataclass
class Arm:
    """Seen from the junction, looking outwards: lanes that come in are on the left, at +.

    Widths in metres. `axis` is a curve [n, 3] whose point `CROSSWALK` is at the stop line.
    """

    axis: np.ndarray
    lanes_in: int
    lanes_out: int
    width: float
    median: float
    strip: float
    """between the outermost lane and the kerb"""
    use: str
    """of the strip: shoulder, bike or parking"""
    limit: float
    """m/s"""
    incoming: list[int] = None
    """lanes by index, from left to right in the direction of travel"""
    outgoing: list[int] = None
    bike_in: int = -1
    bike_out: int = -1
    crosswalk: int = -1

    def offset(self, lane: int) -> float:
        """Distance of a lane's centre from the axis."""
        return self.median / 2 + (lane + 0.5) * self.width

    @property
    def left(self) -> float:
        """Distance of the kerb on the side that comes in."""
        return self.median / 2 + self.lanes_in * self.width + self.strip

    @property
    def right(self) -> float:
        """Distance of the kerb on the side that goes out."""
        return self.median / 2 + self.lanes_out * self.width + self.strip

    def inner(self, left: float, turn: float = 0.0):
        """The pose beside the inner end of the axis, turned by `turn`."""
        return pose_beside(self.axis[0], left, turn=turn)

    def kerb_in(self):
        """From the far end to the junction: the road is on its left."""
        return beside(self.axis, self.left)[::-1]

    def kerb_out(self):
        """From the junction to the far end: the road is on its left."""
        return beside(self.axis, -self.right)


def draw_arm(
    rng, angle, setback, *, lanes_in, lanes_out, limit, median=None, use=None, length=None
):
    """An arm at an angle (rad) whose kerbs begin `setback` metres from the origin."""
    if length is None:
        length = rng.uniform(75.0, 115.0)
    start = setback * np.cos(angle), setback * np.sin(angle)
    axis = straight_then_bend(start, angle, length, rng.normal(0, 1 / 260), calm=14.0, step=STEP)
    if median is None:
        median = rng.choice([0.0, 0.0, 1.2, 2.4])
    if use is None:
        use = rng.choice(["shoulder", "bike", "parking", "parking"])
    strip = {"shoulder": rng.uniform(1.2, 2.0), "bike": BIKE + 0.6, "parking": 3.0}[str(use)]
    width = rng.uniform(3.3, 3.7)
    return Arm(axis, lanes_in, lanes_out, width, float(median), strip, str(use), limit)


def pave_arm(network: Network, arm: Arm, rng, *, signal=-1, crosswalk=True) -> None:
    """Add an arm's lanes, lines, median, crosswalk and parking places to the network."""
    road = arm.axis[CROSSWALK:]
    arm.incoming = [
        network.lane(beside(road, arm.offset(i))[::-1], arm.limit) for i in range(arm.lanes_in)
    ]
    arm.outgoing = [
        network.lane(beside(road, -arm.offset(i)), arm.limit) for i in range(arm.lanes_out)
    ]
    network.side_by_side(arm.incoming)
    network.side_by_side(arm.outgoing)
    _paint(network, arm, road)
    if arm.use != "parking":
        _cycle_ways(network, arm, road)
    elif len(road) > 16:
        _parking(network, arm, road, rng)
    if crosswalk:
        arm.crosswalk = len(network.crosswalks)
        network.crosswalks.append(_zebra(arm))
        network.crosswalk_signal.append(signal)
    if rng.random() < 0.35 and len(road) > 30:
        _driveway(network, arm, road, rng)


def _paint(network, arm, road):
    if arm.median >= 1.0:
        half = arm.median / 2
        shape = np.full(len(road), half - 0.35)
        shape[0] = shape[-1] = 0.1
        loop = np.concatenate([beside(road, shape), beside(road, -shape)[::-1]])
        network.edges.append((np.concatenate([loop, loop[:1]]), RoadEdgeType.MEDIAN))
        for side in (half, -half):
            network.lines.append((beside(road, side), RoadLineType.SOLID_SINGLE_YELLOW))
    else:
        network.lines.append((beside(road, 0.0), RoadLineType.SOLID_DOUBLE_YELLOW))
    solid = min(18, len(road) // 2)  # nobody changes lanes just before the stop line
    for i in range(1, arm.lanes_in):
        points = beside(road, arm.median / 2 + i * arm.width)
        network.lines.append((points[: solid + 1], RoadLineType.SOLID_SINGLE_WHITE))
        network.lines.append((points[solid:], RoadLineType.BROKEN_SINGLE_WHITE))
    for i in range(1, arm.lanes_out):
        points = beside(road, -arm.median / 2 - i * arm.width)
        network.lines.append((points, RoadLineType.BROKEN_SINGLE_WHITE))
    for kerb in (arm.left - arm.strip, -(arm.right - arm.strip)):
        network.lines.append((beside(road, kerb), RoadLineType.SOLID_SINGLE_WHITE))


def _cycle_ways(network, arm, road):
    """Bicycles keep to the strip beside the kerb, whether or not it is a lane of the map."""
    lane = {"kind": LaneType.BIKE_LANE, "drawn": arm.use == "bike"}
    inset = BIKE / 2 if arm.use == "bike" else 0.5
    at_in, at_out = arm.left - arm.strip + inset, arm.right - arm.strip + inset
    arm.bike_in = network.lane(beside(road, at_in)[::-1], 7.0, **lane)
    arm.bike_out = network.lane(beside(road, -at_out), 7.0, **lane)


def _parking(network, arm, road, rng):
    for side, turn in ((arm.left - 1.4, np.pi), (-(arm.right - 1.4), 0.0)):
        spots = np.cumsum(rng.uniform(6.2, 9.0, 40)) + 14.0
        for along in spots[spots < (len(road) - 3) * STEP]:
            k = int(along / STEP)
            network.parking.append(pose_beside(road[k], side + rng.normal(0, 0.06), turn=turn))


def _zebra(arm):
    """Four corners: two at the left kerb, two at the right, 3 m apart."""
    near, far = arm.axis[0], arm.axis[CROSSWALK]
    ahead = np.hypot(*(far - near)[:2])
    low, high = ahead - 4.6, ahead - 1.4
    corners = [(arm.left, low), (-arm.right, low), (-arm.right, high), (arm.left, high)]
    return np.array([pose_beside(near, left, along)[:2] for left, along in corners])


def _driveway(network, arm, road, rng):
    pose = road[rng.integers(14, len(road) - 8)]
    side = arm.left if rng.random() < 0.5 else -arm.right
    deep = np.sign(side) * rng.uniform(5, 9)
    corners = [(side, -2.6), (side, 2.6), (side + deep, 2.6), (side + deep, -2.6)]
    polygon = np.array([pose_beside(pose, left, along)[:2] for left, along in corners])
    network.driveways.append(polygon)
    if rng.random() < 0.7:  # somebody's car in front of the house
        out = np.pi / 2 if side > 0 else -np.pi / 2
        network.parking.append(pose_beside(pose, side + deep * 0.62, turn=out))


def corner(before: Arm, after: Arm, reach=0.24):
    """The kerb from one arm to the next (counter-clockwise), with the road on its left."""
    bend = connect(before.inner(before.left, np.pi), after.inner(-after.right), reach=reach)
    return join(before.kerb_in(), bend, after.kerb_out())
