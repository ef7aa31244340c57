"""A car park: a one-way loop around an island of bays, with more bays along its outside."""

import numpy as np

from simagents.scenarios.scenario import LaneType, RoadEdgeType, RoadLineType
from simagents.scenarios.synthetic.curves import arc, connect, join, line
from simagents.scenarios.synthetic.network import Network, Rule

BAY = 5.8  # depth of a bay, m


def carpark(rng) -> Network:
    """Columns of bays stand along y; the loop is counter-clockwise, its gate at the bottom."""
    network = Network()
    pitch, aisle = rng.uniform(2.6, 2.9), rng.uniform(6.4, 7.4)
    rows = int(rng.integers(9, 17))
    height = rows * pitch
    inside, outside = BAY, BAY + aisle  # x of the aisle's sides; the island is centred on x = 0
    end = aisle  # the cross aisles lie above and below the bays
    wall = outside + BAY
    top, bottom = height / 2, -height / 2
    _kerbs(network, wall, top + end, bottom - end, aisle)
    for y in np.arange(rows + 1) * pitch + bottom:
        for a, b in ((-wall, -outside), (-inside, inside), (outside, wall)):
            network.lines.append((line((a, y), (b, y)), RoadLineType.SOLID_SINGLE_WHITE))
    network.lines.append((line((0, bottom), (0, top)), RoadLineType.SOLID_SINGLE_WHITE))
    for y in (np.arange(rows) + 0.5) * pitch + bottom:
        for x in (-(outside + wall) / 2, -inside / 2, inside / 2, (outside + wall) / 2):
            heading = rng.choice([0.0, np.pi]) + rng.normal(0, 0.02)
            network.parking.append((x + rng.normal(0, 0.06), y + rng.normal(0, 0.06), heading))
    for y in (top + 0.9, bottom - 0.9):  # kerbed ends of the middle bays
        loop = np.array(
            [
                (-inside + 0.8, y + 0.5),
                (inside - 0.8, y + 0.5),
                (inside - 0.8, y - 0.5),
                (-inside + 0.8, y - 0.5),
            ]
        )
        ring = join(*[line(loop[i], loop[(i + 1) % 4]) for i in range(4)])
        network.edges.append((ring, RoadEdgeType.MEDIAN))
    _loop(
        network, (inside + outside) / 2, top + end / 2 + 0.9, bottom - end / 2 - 0.9, bottom - end
    )
    y = rng.uniform(-0.2, 0.2) * height
    x = (inside + outside) / 2
    for side in (-1, 1):
        network.bumps.append(
            np.array(
                [
                    (side * x - aisle / 2, y),
                    (side * x + aisle / 2, y),
                    (side * x + aisle / 2, y + 0.9),
                    (side * x - aisle / 2, y + 0.9),
                ]
            )
        )
    network.pavements.append(line((-wall - 3, top + end + 1.0), (wall + 3, top + end + 1.0))[::-1])
    for side in (-1, 1):
        walk = line((side * (x + aisle * 0.36), bottom + 1), (side * (x + aisle * 0.36), top - 1))
        network.pavements.append(walk)
    return network


def _kerbs(network, wall, top, bottom, aisle):
    """The outer kerb, open at the bottom where the road comes in."""
    gate, far = 4.2, 48.0
    corner = 1.0
    edge = join(
        line((gate, bottom - far), (gate, bottom)),
        line((gate, bottom), (wall - corner, bottom)),
        line((wall - corner, bottom), (wall, bottom + corner)),
        line((wall, bottom + corner), (wall, top - corner)),
        line((wall, top - corner), (wall - corner, top)),
        line((wall - corner, top), (-wall + corner, top)),
        line((-wall + corner, top), (-wall, top - corner)),
        line((-wall, top - corner), (-wall, bottom + corner)),
        line((-wall, bottom + corner), (-wall + corner, bottom)),
        line((-wall + corner, bottom), (-gate, bottom)),
        line((-gate, bottom), (-gate, bottom - far)),
    )
    network.edges.append((edge, RoadEdgeType.BOUNDARY))
    network.lines.append(
        (line((0, bottom - far), (0, bottom - 1)), RoadLineType.SOLID_DOUBLE_YELLOW)
    )


def _loop(network, x, top, bottom, mouth):
    """Counter-clockwise: along the bottom to the right, up, along the top to the left, down."""
    slow, r = 4.2, 4.5
    kind = LaneType.SURFACE_STREET
    up = network.lane(line((x, bottom + r), (x, top - r)), slow, kind=kind)
    down = network.lane(line((-x, top - r), (-x, bottom + r)), slow, kind=kind)
    over = network.lane(
        join(
            arc((x - r, top - r), r, 0.0, np.pi / 2),
            line((x - r, top), (-x + r, top)),
            arc((-x + r, top - r), r, np.pi / 2, np.pi),
        ),
        slow,
        kind=kind,
    )
    enter = network.lane(line((2.0, mouth - 48.0), (2.0, mouth - 2.0)), 6.7, kind=kind)
    leave = network.lane(line((-2.0, mouth - 2.0), (-2.0, mouth - 48.0)), 6.7, kind=kind)
    east, half = (x, bottom + r, np.pi / 2), np.pi / 2
    into = network.lane(
        connect((2.0, mouth - 2.0, half), east, reach=0.26), slow, kind=kind, inside=True,
        rule=Rule.YIELD, rank=0,
    )  # fmt: skip
    west = (-x, bottom + r, -half)
    out = network.lane(
        connect(west, (-2.0, mouth - 2.0, -half), reach=0.26), slow, kind=kind, inside=True
    )
    again = network.lane(
        join(
            arc((-x + r, bottom + r), r, np.pi, 1.5 * np.pi),
            line((-x + r, bottom), (x - r, bottom)),
            arc((x - r, bottom + r), r, 1.5 * np.pi, 2 * np.pi),
        ),
        slow,
        kind=kind,
        inside=True,
    )
    for a, b in (
        (up, over),
        (over, down),
        (down, again),
        (again, up),
        (enter, into),
        (into, up),
        (down, out),
        (out, leave),
    ):
        network.lanes[a].exits.append(b)
        # Lanes meet exactly, whatever sine and cosine round to.
        network.lanes[a].points[-1] = network.lanes[b].points[0]
