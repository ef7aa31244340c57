"""Junctions of three or four arms: signalised, all-way stop, or a side road that gives way."""

import numpy as np

from simagents.scenarios.scenario import RoadEdgeType
from simagents.scenarios.synthetic.curves import connect, pose_beside
from simagents.scenarios.synthetic.network import Network, Rule
from simagents.scenarios.synthetic.templates.arm import CROSSWALK, corner, draw_arm, pave_arm

LEFT, THROUGH, RIGHT = "left", "through", "right"


def four_way_signal(rng) -> Network:
    """A signalised crossing of an arterial and a street."""
    busy, calm = rng.integers(2, 4), rng.integers(1, 3)
    limits = rng.choice([13.4, 15.6, 17.9]), rng.choice([11.2, 13.4])
    return _junction(
        rng,
        angles=[0.0, np.pi / 2, np.pi, 3 * np.pi / 2],
        lanes=[busy, calm, busy, calm],
        limits=[limits[0], limits[1], limits[0], limits[1]],
        rule=Rule.SIGNAL,
    )


def t_signal(rng) -> Network:
    """A street that ends at an arterial, with lights."""
    busy, calm = rng.integers(1, 4), rng.integers(1, 3)
    return _junction(
        rng,
        angles=[0.0, np.pi / 2, np.pi],
        lanes=[busy, calm, busy],
        limits=[15.6, 11.2, 15.6],
        rule=Rule.SIGNAL,
    )


def side_road(rng) -> Network:
    """A side road with a stop sign; the main road does not stop."""
    busy = rng.integers(1, 3)
    return _junction(
        rng,
        angles=[0.0, np.pi / 2, np.pi],
        lanes=[busy, 1, busy],
        limits=[13.4, 11.2, 13.4],
        rule=Rule.STOP,
        main=(0, 2),
    )


def all_way_stop(rng) -> Network:
    """Four stop signs: who came first goes first."""
    lanes = int(rng.random() < 0.2) + 1
    return _junction(
        rng,
        angles=[0.0, np.pi / 2, np.pi, 3 * np.pi / 2],
        lanes=[lanes, 1, lanes, 1],
        limits=[11.2] * 4,
        rule=Rule.STOP,
    )


def _junction(rng, angles, lanes, limits, rule, main=()) -> Network:
    """Arms at about the given angles (rad), each with as many lanes in as out."""
    network = Network()
    angles = np.array(angles) + rng.normal(0, 0.05, len(angles))
    use = rng.choice(["shoulder", "bike", "parking", "parking"], 2)
    median = rng.choice([0.0, 0.0, 1.4, 2.4], 2)
    widest = max(lanes) * 3.7 + 4.5
    setback = widest + rng.uniform(3.5, 6.0)
    arms = [
        draw_arm(
            rng, angle, setback, lanes_in=int(n), lanes_out=int(n), limit=limit,
            median=median[k % 2], use=use[k % 2],
        )
        for k, (angle, n, limit) in enumerate(zip(angles, lanes, limits, strict=True))
    ]  # fmt: skip
    crossed = rng.random(len(arms)) < (0.9 if rule == Rule.SIGNAL else 0.7)
    for k, arm in enumerate(arms):
        # Walkers on an arm go with the traffic that crosses it: with the green of the other road.
        signal = (k + 1) % 2 * 2 if rule == Rule.SIGNAL else -1
        pave_arm(network, arm, rng, signal=signal, crosswalk=bool(crossed[k]) and k not in main)
    for k, arm in enumerate(arms):
        after = arms[(k + 1) % len(arms)]
        edge = corner(arm, after)
        network.edges.append((edge, RoadEdgeType.BOUNDARY))
        network.pavements.append(edge)
    protected = rule == Rule.SIGNAL and rng.random() < 0.5
    for k in range(len(arms)):
        _movements(network, arms, k, rule, protected, main)
    if rule == Rule.SIGNAL:
        _phases(network)
    for k, arm in enumerate(arms):
        if rule == Rule.STOP and k not in main:
            point = pose_beside(arm.axis[CROSSWALK], arm.left + 0.8)[:2]
            network.stop_signs.append((np.array(point), tuple(_entered(network, arm))))
    return network


def _entered(network, arm):
    return [exit_ for lane in arm.incoming for exit_ in network.lanes[lane].exits]


def _turn(arms, k, other):
    """What it is to go from arm k to another: by the angle between them."""
    away = arms[other].axis[0, 2] - arms[k].axis[0, 2] - np.pi
    away = (away + np.pi) % (2 * np.pi) - np.pi
    return THROUGH if abs(away) < 0.6 else LEFT if away > 0 else RIGHT


def _movements(network, arms, k, rule, protected, main):
    """Connect the lanes that come in on arm k with those that go out on the others."""
    arm = arms[k]
    goals = {_turn(arms, k, j): j for j in range(len(arms)) if j != k}
    last = arm.lanes_in - 1
    alone = last > 0 and LEFT in goals and (protected or last > 1)  # the left lane only turns left
    ways = []
    if LEFT in goals:
        ways.append((LEFT, 0, 0))
    if THROUGH in goals:
        ways += [
            (THROUGH, i, min(i, arms[goals[THROUGH]].lanes_out - 1))
            for i in range(arm.lanes_in)
            if not (alone and i == 0)
        ]
    if RIGHT in goals:
        ways.append((RIGHT, last, arms[goals[RIGHT]].lanes_out - 1))
        if THROUGH not in goals and LEFT not in goals:
            ways += [(RIGHT, i, min(i, arms[goals[RIGHT]].lanes_out - 1)) for i in range(last)]
    if THROUGH not in goals and last > 0:  # the foot of a T: all lanes need somewhere to go
        ways += [(LEFT, i, min(i, arms[goals[LEFT]].lanes_out - 1)) for i in range(1, last)]
    gate = Rule.NONE if k in main else rule
    for turn, i, o in ways:
        goal = arms[goals[turn]]
        arrow = turn == LEFT and alone and protected
        signal = _group(k, arrow) if rule == Rule.SIGNAL else -1
        rank = {THROUGH: 3, RIGHT: 2, LEFT: 1}[turn] - (2 if main and k not in main else 0)
        if main and k in main and turn == LEFT:
            gate = Rule.YIELD
        elif k in main:
            gate = Rule.NONE
        _connect(network, arm, arm.incoming[i], goal, goal.outgoing[o], turn,
                 rule=gate, rank=rank, signal=signal)  # fmt: skip
    if arm.bike_in >= 0 and THROUGH in goals and arms[goals[THROUGH]].bike_out >= 0:
        goal = arms[goals[THROUGH]]
        first = network.lanes[arm.bike_in]
        _connect(network, arm, arm.bike_in, goal, goal.bike_out, THROUGH,
                 rule=gate if gate != Rule.YIELD else Rule.NONE, rank=3, kind=first.kind,
                 drawn=first.drawn and network.lanes[goal.bike_out].drawn,
                 signal=_group(k, False) if rule == Rule.SIGNAL else -1)  # fmt: skip


def _connect(network, arm, start, goal, end, turn, **rest):
    first, last = network.lanes[start].points, network.lanes[end].points
    a = (*first[-1], arm.axis[CROSSWALK, 2] + np.pi)
    b = (*last[0], goal.axis[CROSSWALK, 2])
    reach = {THROUGH: 0.2, LEFT: 0.25, RIGHT: 0.27}[turn]
    limit = network.lanes[start].limit
    lane = network.lane(
        connect(a, b, reach=reach), limit, inside=True,
        crosswalk_at_start=arm.crosswalk, crosswalk_at_end=goal.crosswalk, **rest,
    )  # fmt: skip
    network.lanes[start].exits.append(lane)
    network.lanes[lane].exits.append(end)


def _group(k, arrow):
    """Signal groups: 0 and 2 for the two roads, 1 and 3 for their protected left turns."""
    return (k % 2) * 2 + int(arrow)


def _phases(network):
    """Left arrows first, then the road itself; then the other road."""
    used = {lane.signal for lane in network.lanes if lane.signal >= 0}
    network.phases = [(group,) for group in (1, 0, 3, 2) if group in used]
    network.arrows = used & {1, 3}
