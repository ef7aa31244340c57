"""One synthetic scenario from two numbers."""

import hashlib
from collections.abc import Callable

import numpy as np

from simagents.scenarios.scenario import STEPS, AgentType, Scenario
from simagents.scenarios.synthetic import cast, lights
from simagents.scenarios.synthetic.ensemble import Ensemble, choose, observe, undisturbed
from simagents.scenarios.synthetic.network import Network
from simagents.scenarios.synthetic.population import park, populate
from simagents.scenarios.synthetic.routes import Routes, tabulate
from simagents.scenarios.synthetic.templates import TEMPLATES
from simagents.scenarios.synthetic.trace import trace
from simagents.scenarios.synthetic.traffic import Traffic
from simagents.scenarios.synthetic.walkers import occupied, plan

WARM_UP = 24
"""Steps of 0.2 s before the log begins, in which queues form."""
FEWEST, MOST = 8, 60
"""Agents of a scenario."""


def generate_scenario(
    seed: int, index: int, template: Callable[[np.random.Generator], Network] | None = None
) -> Scenario:
    """Scenario number `index` of the endless series `seed`.

    Random numbers come from one counter-based stream per (seed, index): a scenario depends on
    neither shards nor workers. `template`, one of `TEMPLATES`, replaces the one that is drawn.
    """
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))
    drawn = list(TEMPLATES)[rng.choice(len(TEMPLATES), p=list(TEMPLATES.values()))]
    network = (template or drawn)(rng)
    routes = tabulate(network)
    while True:  # almost always once
        everyone, colour = play(rng, network, routes)
        seen = observe(rng, everyone, FEWEST, MOST)
        if seen is not None:
            name = hashlib.blake2b(f"{seed}/{index}".encode(), digest_size=8).hexdigest()
            return _log(rng, name, network, *seen, colour)


def play(rng, network: Network, routes: Routes) -> tuple[Ensemble, np.ndarray]:
    """Everyone who moves or stands on the network, and the colours of the lights [groups, 91]."""
    times = np.arange(2 * WARM_UP + STEPS) * 0.1
    log = slice(2 * WARM_UP, None)
    colour = lights.cycle(rng, network, times)
    crowd = rng.gamma(1.3, 2.2)
    on_foot = plan(rng, network, colour, times, rng.poisson(crowd), rng.poisson(crowd * 0.8))
    vehicles = int(np.clip(rng.lognormal(np.log(21.0), 0.42), 7, 40))
    bicycles = min(rng.poisson(0.7), 3)
    fleet = populate(rng, routes, vehicles, bicycles)
    blocked = occupied(network, on_foot.crossing, times[::2])
    traffic = Traffic(network, routes, fleet, colour[:, ::2], blocked, rng)
    motion = traffic.drive(len(times[::2]), WARM_UP)
    pose, speed, on_map = trace(routes, motion, fleet.drivers.wander, STEPS)
    kind = np.where(routes.bicycle[fleet.route], AgentType.CYCLIST, AgentType.VEHICLE)
    driving = Ensemble(kind, fleet.size, pose, speed, on_map)

    rides = on_foot.rides
    size = cast.pedestrian_sizes(rng, len(rides))
    size[rides] = cast.cyclist_sizes(rng, rides.sum())
    walking = Ensemble(
        np.where(rides, AgentType.CYCLIST, AgentType.PEDESTRIAN),
        size, on_foot.pose[:, log], on_foot.speed[:, log], on_foot.seen[:, log],
    )  # fmt: skip
    place, size = park(rng, network.parking, most=26)
    parked = Ensemble(
        np.full(len(place), AgentType.VEHICLE),
        size,
        np.repeat(place[:, None], STEPS, axis=1),
        np.zeros((len(place), STEPS)),
        np.ones((len(place), STEPS), bool),
    )
    others = Ensemble.of(driving, parked)
    walking = walking[undisturbed(walking, others)]
    return Ensemble.of(others, walking), colour[:, log]


def _log(rng, name, network: Network, agents: Ensemble, sdc: int, colour) -> Scenario:
    """Put the scene somewhere in the world and write it down as a log."""
    count = len(agents.kind)
    turn, origin = rng.uniform(0, 2 * np.pi), rng.uniform(-4000, 4000, 2)
    # The ground is a plane with a slope of at most 2 %.
    height, slope = rng.uniform(-20, 120), rng.uniform(-0.014, 0.014, 2)
    cos, sin = np.cos(turn), np.sin(turn)

    def placed(points, above=0.0):
        x, y = points[..., 0], points[..., 1]
        out = np.empty((*points.shape[:-1], 3), np.float32)
        out[..., 0] = x * cos - y * sin + origin[0]
        out[..., 1] = x * sin + y * cos + origin[1]
        out[..., 2] = height + slope[0] * x + slope[1] * y + above
        return out

    valid, size = agents.valid, agents.size.astype(np.float32)
    heading = np.mod(agents.pose[..., 2] + turn + np.pi, 2 * np.pi) - np.pi
    velocity = agents.speed[..., None] * np.stack([np.cos(heading), np.sin(heading)], -1)
    mask = valid[..., None]
    kinds, types, polylines, limits, links, lane_id = network.features()
    states = lights.states(network, colour)
    stops = [placed(network.lanes[i].points[0]) for i, _ in states]
    ids = rng.choice(4000, count, replace=False)
    to_predict, of_interest = choose(rng, agents, sdc)
    return Scenario(
        id=name,
        sdc=sdc,
        agent_id=ids.astype(np.int64),
        agent_type=agents.kind.astype(np.uint8),
        to_predict=to_predict,
        of_interest=of_interest,
        position=np.where(mask, placed(agents.pose, size[:, None, 2] / 2), 0).astype(np.float32),
        heading=np.where(valid, heading, 0).astype(np.float32),
        velocity=np.where(mask, velocity, 0).astype(np.float32),
        valid=valid,
        size=size,
        mean_size=size.copy(),
        map_id=np.arange(1, len(kinds) + 1, dtype=np.int64),
        map_kind=np.array(kinds, np.uint8),
        map_type=np.array(types, np.uint8),
        map_start=np.cumsum([0, *map(len, polylines)], dtype=np.int64),
        map_point=placed(np.concatenate(polylines)),
        speed_limit=np.array(limits, np.float32),
        link=np.array(links, np.int64).reshape(-1, 3),
        light_lane=np.array([lane_id[i] for i, _ in states], np.int64),
        light_state=np.array([s for _, s in states], np.int8).reshape(-1, STEPS),
        light_stop=np.repeat(np.array(stops, np.float32).reshape(-1, 1, 3), STEPS, axis=1),
    )
