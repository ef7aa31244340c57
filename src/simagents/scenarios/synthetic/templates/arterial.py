"""A road without a junction: straight or curved, sometimes with a crosswalk in the middle."""

import numpy as np

from simagents.scenarios.scenario import RoadEdgeType
from simagents.scenarios.synthetic.curves import beside, straight_then_bend
from simagents.scenarios.synthetic.network import Network
from simagents.scenarios.synthetic.templates.arm import Arm, pave_arm


def straight_arterial(rng) -> Network:
    """Almost straight."""
    return _arterial(rng, bend=rng.normal(0, 1 / 900))


def curved_arterial(rng) -> Network:
    """With one bend, of 80 m radius or more where it is sharpest."""
    return _arterial(rng, bend=rng.choice([-1, 1]) * rng.uniform(1 / 170, 1 / 80))


def _arterial(rng, bend) -> Network:
    """Two carriageways along one axis; the road is one arm without a junction at its end."""
    network = Network()
    length = rng.uniform(190, 250)
    axis = straight_then_bend((0.0, 0.0), 0.0, length, bend, calm=0.0)
    axis[:, :2] -= axis[len(axis) // 2, :2]
    lanes = int(rng.integers(1, 5))
    use = str(rng.choice(["shoulder", "bike", "parking"]))
    strip = {"shoulder": rng.uniform(1.2, 2.2), "bike": 2.3, "parking": 3.0}[use]
    limit = float(rng.choice([13.4, 15.6, 17.9, 20.1])) if lanes > 1 else 13.4
    median = float(rng.choice([0.0, 1.6, 3.0])) if lanes > 1 else 0.0
    arm = Arm(axis, lanes, lanes, rng.uniform(3.3, 3.7), median, strip, use, limit)
    crossing = median == 0.0 and rng.random() < 0.5
    pave_arm(network, arm, rng, crosswalk=False)
    if crossing:
        _cross(network, arm, len(axis) // 2)
    for edge in (arm.kerb_in(), arm.kerb_out()):
        network.edges.append((edge, RoadEdgeType.BOUNDARY))
        network.pavements.append(edge)
    return network


def _cross(network, arm, k):
    """Cut every lane in two at a crosswalk, so that the second part begins with a place to wait."""
    pose = arm.axis[k]
    polygon = np.concatenate([beside(arm.axis[k : k + 2], side) for side in (arm.left, -arm.right)])
    network.crosswalks.append(polygon[[0, 2, 3, 1]])
    network.crosswalk_signal.append(-1)
    distance = lambda points: np.hypot(*(points - pose[:2]).T).argmin()  # noqa: E731
    cut = {}
    for i in range(len(network.lanes)):
        lane = network.lanes[i]
        at = int(distance(lane.points))
        at = at - 3 if i in arm.outgoing or i == arm.bike_out else at - 4
        rest = network.lane(
            lane.points[at:], lane.limit, kind=lane.kind, drawn=lane.drawn, crosswalk_at_start=0
        )
        lane.points = lane.points[: at + 1]
        lane.exits.append(rest)
        cut[i] = rest
    for i, rest in cut.items():
        lane, second = network.lanes[i], network.lanes[rest]
        second.left = cut.get(lane.left)
        second.right = cut.get(lane.right)
