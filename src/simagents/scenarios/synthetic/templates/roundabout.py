"""A roundabout with one lane and three or four arms; who is on it goes first."""

import numpy as np

from simagents.scenarios.scenario import RoadEdgeType
from simagents.scenarios.synthetic.curves import arc, beside, connect, join
from simagents.scenarios.synthetic.network import Network, Rule
from simagents.scenarios.synthetic.templates.arm import CROSSWALK, draw_arm, pave_arm

HALF_WIDTH = 3.1  # of the carriageway around the island, m


def roundabout(rng) -> Network:
    """Drivers circulate counter-clockwise around the origin."""
    network = Network()
    count = int(rng.choice([3, 4, 4]))
    radius = rng.uniform(16.0, 20.0)
    angles = np.arange(count) * (2 * np.pi / count) + rng.normal(0, 0.05, count)
    median = rng.uniform(2.2, 3.0)
    limit = float(rng.choice([11.2, 13.4]))
    arms = [
        draw_arm(rng, angle, radius + 12.0, lanes_in=1, lanes_out=1, limit=limit,
                 median=median, use="shoulder")
        for angle in angles
    ]  # fmt: skip
    for arm in arms:
        pave_arm(network, arm, rng, crosswalk=bool(rng.random() < 0.7))
    _kerbs(network, arms, angles, radius)
    _ways(network, arms, angles, radius)
    return network


def _on(radius, angle):
    """The pose on a circle in the (counter-clockwise) direction of travel."""
    return radius * np.cos(angle), radius * np.sin(angle), angle + np.pi / 2


def _kerbs(network, arms, angles, radius):
    outer, flare = radius + HALF_WIDTH, 0.62
    for k, arm in enumerate(arms):
        after = arms[(k + 1) % len(arms)]
        end = angles[(k + 1) % len(arms)] + (2 * np.pi if k + 1 == len(arms) else 0.0)
        a, b = angles[k] + flare, end - flare
        edge = join(
            arm.kerb_in(),
            connect(arm.inner(arm.left, np.pi), _on(outer, a), reach=0.2),
            arc((0.0, 0.0), outer, a, b),
            connect(_on(outer, b), after.inner(-after.right), reach=0.2),
            after.kerb_out(),
        )
        network.edges.append((edge, RoadEdgeType.BOUNDARY))
        network.pavements.append(edge)
        nose = arm.axis[:3]
        shape = np.array([0.15, 0.7, 0.9])
        loop = np.concatenate([beside(nose, shape), beside(nose, -shape)[::-1]])
        network.edges.append((np.concatenate([loop, loop[:1]]), RoadEdgeType.MEDIAN))
    island = arc((0.0, 0.0), radius - HALF_WIDTH, 2 * np.pi, 0.0)
    island[-1] = island[0]
    network.edges.append((island, RoadEdgeType.MEDIAN))


def _ways(network, arms, angles, radius):
    speed, spread = 8.0, 0.47
    between, across = [], []
    for k in range(len(arms)):
        end = angles[(k + 1) % len(arms)] + (2 * np.pi if k + 1 == len(arms) else 0.0)
        a, b = angles[k], end
        between.append(
            network.lane(arc((0, 0), radius, a + spread, b - spread), speed, inside=True)
        )
    for k in range(len(arms)):
        past = arc((0, 0), radius, angles[k] - spread, angles[k] + spread)
        # Lanes meet exactly: neighbours share the points at which they join.
        past[0] = network.lanes[between[k - 1]].points[-1]
        past[-1] = network.lanes[between[k]].points[0]
        across.append(network.lane(past, speed, inside=True))
    for k, arm in enumerate(arms):
        first = network.lanes[arm.incoming[0]].points[-1]
        entry = connect(
            (*first, arm.axis[CROSSWALK, 2] + np.pi), _on(radius, angles[k] + spread), reach=0.26
        )
        entry[-1] = network.lanes[between[k]].points[0]
        into = network.lane(entry, speed, inside=True, rule=Rule.YIELD, rank=0,
                            crosswalk_at_start=arm.crosswalk)  # fmt: skip
        last = network.lanes[arm.outgoing[0]].points[0]
        leave = connect(
            _on(radius, angles[k] - spread), (*last, arm.axis[CROSSWALK, 2]), reach=0.26
        )
        leave[0] = network.lanes[between[k - 1]].points[-1]
        out = network.lane(leave, speed, inside=True, crosswalk_at_end=arm.crosswalk)
        network.lanes[arm.incoming[0]].exits.append(into)
        network.lanes[into].exits.append(between[k])
        network.lanes[between[k - 1]].exits += [out, across[k]]
        network.lanes[across[k]].exits.append(between[k])
        network.lanes[out].exits.append(arm.outgoing[0])
