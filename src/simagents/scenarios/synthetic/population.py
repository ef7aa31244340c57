"""Where vehicles are when the simulation starts, and where cars are parked."""

import numpy as np

from simagents.scenarios.synthetic import cast
from simagents.scenarios.synthetic.routes import LEAD, Routes
from simagents.scenarios.synthetic.traffic import Fleet

_UPSTREAM = 85.0
"""Metres before the network from which vehicles come during the log."""
_TIGHT = 8.5
"""m/s; routes with a place at which one drives more slowly have a bend of less than about 35 m."""


def populate(rng, routes: Routes, vehicles: int, bicycles: int) -> Fleet:
    """About as many vehicles and bicycles as asked for, on lanes that lead in or out."""
    route, place, size = [], [], []
    stretches = list(_stretches(routes))
    counts = [int((end - begin) / 8.0) + 1 for _, begin, end in stretches]
    cuts = np.cumsum(counts)[:-1]
    everybody = np.split(cast.vehicle_sizes(rng, sum(counts)), cuts)
    gaps = np.split(3.0 + rng.exponential(rng.uniform(7.0, 16.0), sum(counts)), cuts)
    for (choices, begin, end), bodies, gap in zip(stretches, everybody, gaps, strict=True):
        at = begin + np.cumsum(gap + bodies[:, 0]) - bodies[:, 0] / 2
        fits = at + bodies[:, 0] / 2 + 1.0 < end
        route.append(np.array(choices)[rng.integers(len(choices), size=fits.sum())])
        place.append(at[fits])
        size.append(bodies[fits])
    route, place, size = np.concatenate(route), np.concatenate(place), np.concatenate(size)
    kept = rng.permutation(len(route))[:vehicles]
    route, place, size = route[kept], place[kept], size[kept]
    tight = routes.speed.min(axis=1) < _TIGHT  # long bodies do not fit through such a bend
    size[tight[route], 0] = np.minimum(size[tight[route], 0], 7.5)
    ways = np.flatnonzero(routes.bicycle)
    if len(ways) and bicycles:
        more = rng.choice(ways, bicycles)
        spots = rng.uniform(-25.0, 60.0, bicycles)
        route, place = np.append(route, more), np.append(place, spots)
        size = np.concatenate([size, cast.cyclist_sizes(rng, bicycles)])
    drivers = cast.drivers(rng, routes.bicycle[route])
    k = np.clip(place + LEAD, 0, routes.speed.shape[1] - 1).astype(int)
    speed = routes.speed[route, k] * drivers.haste
    line = routes.gate[route] - place - size[:, 0] / 2
    speed = np.where(line > 0, np.minimum(speed, np.sqrt(2 * 1.5 * np.maximum(line, 0))), speed)
    ahead = place + routes.offset[route[:, None], route] - place[:, None]
    ahead = np.where(ahead > 0, ahead, 1e9).min(axis=1, initial=1e9) - size[:, 0] - 2.0
    return Fleet(route, place, np.minimum(speed, np.maximum(ahead, 0.0) / 1.2), size, drivers)


def _stretches(routes):
    """Pieces of lanes on which vehicles may begin: routes to choose from, first and last place.

    One piece for each first lane, up to the line where it waits, and one for each last lane.
    """
    motor = np.flatnonzero(~routes.bicycle)
    for lane in sorted({routes.lanes[r][0] for r in motor}):
        choices = [r for r in motor if routes.lanes[r][0] == lane]
        end = min(min(routes.gate[r] for r in choices), _end_of_first(routes, choices[0]))
        yield choices, -_UPSTREAM, end - 1.0
    for lane in sorted({routes.lanes[r][-1] for r in motor if len(routes.lanes[r]) > 1}):
        choices = [r for r in motor if routes.lanes[r][-1] == lane]
        # Their places differ from route to route: those of one length stay in one piece.
        r = choices[int(np.argmax([routes.length[r] for r in choices]))]
        yield [r], routes.lane_start[r, lane] + 6.0, routes.length[r]


def _end_of_first(routes, r):
    route = routes.lanes[r]
    return routes.length[r] if len(route) == 1 else routes.lane_start[r, route[1]]


def park(rng, places, most: int):
    """Poses [n, 3] and sizes [n, 3] of parked cars on some of the places."""
    count = min(most, rng.binomial(len(places), rng.uniform(0.15, 0.85))) if places else 0
    chosen = rng.permutation(len(places))[:count]
    pose = np.array(places, float).reshape(-1, 3)[chosen]
    size = cast.vehicle_sizes(rng, count, largest=1) if count else np.zeros((0, 3))
    size[:, 0] = np.minimum(size[:, 0], 5.3)  # longer ones would stick out of a bay
    return pose, size
