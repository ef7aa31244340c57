"""Pedestrians on pavements and crosswalks, and cyclists who ride on the pavement.

They look at no vehicle: they are planned first, and vehicles see them coming (`occupied`), as
drivers slow down for who is about to step off the kerb. Who crosses at a light begins while it is
green.
"""

from dataclasses import dataclass

import numpy as np

from simagents.scenarios.synthetic.curves import lengths, shifted
from simagents.scenarios.synthetic.network import Network

FORESIGHT = 3.0
"""Seconds before a walker is on the crosswalk in which vehicles count it as occupied."""


@dataclass
class Walkers:
    """W walkers at T steps of 0.1 s."""

    pose: np.ndarray
    """[W, T, 3]: x, y, heading"""
    speed: np.ndarray
    """[W, T]: m/s"""
    seen: np.ndarray
    """[W, T]: not far beyond the ends of the path"""
    rides: np.ndarray
    """[W]: on a bicycle"""
    crossing: list[tuple[int, float, float]]
    """crosswalk, and the times (s) at which somebody steps on it and leaves it"""


def plan(rng, network: Network, colour, times, crossers: int, strollers: int) -> Walkers:
    """`colour` [groups, times] as in `lights.cycle`; `times` in s from the start, 0.1 s apart."""
    paths, starts, speeds, pauses, crossing, rides = [], [], [], [], [], []
    for _ in range(crossers if network.crosswalks else 0):
        c = int(rng.integers(len(network.crosswalks)))
        pace = rng.normal(1.4, 0.18)
        path, kerb, width = _over(rng, network.crosswalks[c])
        leave = _departure(rng, network.crosswalk_signal[c], colour, times)
        if leave is None:
            continue
        arrive = leave - rng.choice([0.0, rng.uniform(1.0, 20.0)])
        paths.append(path)
        starts.append(kerb - arrive * pace)
        speeds.append(pace)
        pauses.append((arrive, leave))
        rides.append(False)
        crossing.append((c, leave, leave + width / pace + 0.6))
    for _ in range(strollers if network.pavements else 0):
        rider = rng.random() < 0.06
        path, place = _along(rng, network.pavements)
        standing = rng.random() < 0.2 and not rider
        paths.append(path)
        starts.append(place)
        speeds.append(
            0.0 if standing else rng.normal(4.2, 0.6) if rider else max(rng.normal(1.35, 0.2), 0.7)
        )
        pauses.append((0.0, 0.0))
        rides.append(rider)
    pose, speed, seen = _walk(rng, paths, np.array(starts), np.array(speeds), pauses, times)
    return Walkers(pose, speed, seen, np.array(rides, bool), crossing)


def occupied(network: Network, crossing, times) -> np.ndarray:
    """[crosswalks, times]: a walker is on the crosswalk, or will be soon."""
    blocked = np.zeros((len(network.crosswalks), len(times)), bool)
    for c, begin, end in crossing:
        blocked[c] |= (times > begin - FORESIGHT) & (times < end)
    return blocked


def _departure(rng, signal, colour, times):
    """A moment to step onto the road: any, or in the first seconds of green."""
    if signal < 0 or signal >= len(colour):
        return rng.uniform(times[0] - 8.0, times[-1] + 4.0)
    green = colour[signal] == 0
    begins = np.flatnonzero(green[1:] & ~green[:-1]) + 1
    if not len(begins):
        return None
    return times[rng.choice(begins)] + rng.uniform(1.0, 5.0)


def _over(rng, polygon):
    """A way over a crosswalk, the place of its kerb, and its width."""
    a, b = (polygon[0] + polygon[3]) / 2, (polygon[1] + polygon[2]) / 2
    side = polygon[3] - polygon[0]
    if rng.random() < 0.5:
        a, b = b, a
    width = np.hypot(*(b - a))
    ahead = (b - a) / width
    side = side / np.hypot(*side)
    shift = side * rng.uniform(-1.0, 1.0)
    turns = side * rng.choice([-1.0, 1.0], 2)[:, None]
    far = rng.uniform(10.0, 25.0, 2)[:, None]
    near, beyond = a + shift - 2.2 * ahead, b + shift + 2.2 * ahead
    points = np.array([near + turns[0] * far[0], near, beyond, beyond + turns[1] * far[1]])
    for _ in range(3):  # corners cut three times are round enough for feet
        inner = np.concatenate(
            [0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], 1
        )
        points = np.concatenate([points[:1], inner.reshape(-1, 2), points[-1:]])
    place = lengths(points)
    kerb = place[np.hypot(*(points - (a + shift - 0.8 * ahead)).T).argmin()]
    return points, kerb, width + 1.0


def _along(rng, pavements):
    """A line along a kerb and a place on it."""
    edge = pavements[rng.integers(len(pavements))]
    path = shifted(edge, -rng.uniform(0.9, 2.4))
    if rng.random() < 0.5:
        path = path[::-1]
    return path, rng.uniform(0.0, 0.9) * lengths(path)[-1]


def _walk(rng, paths, starts, paces, pauses, times):
    count = len(paths)
    pose, speed = np.zeros((count, len(times), 3)), np.zeros((count, len(times)))
    seen = np.ones(speed.shape, bool)
    if not count:
        return pose, speed, seen
    pause = np.array(pauses)
    moving = (times < pause[:, :1]) | (times >= pause[:, 1:])
    slow = rng.standard_normal((count, len(times) // 10 + 2)) * 0.07
    tenth = np.arange(len(times)) / 10.0
    whole = tenth.astype(int)
    sway = slow[:, whole] * (1 - (tenth - whole)) + slow[:, whole + 1] * (tenth - whole)
    speed = moving * paces[:, None] * (1 + sway)
    # Nobody starts or stops at once: the mean over 0.7 s, by differences of a running sum.
    run = np.cumsum(
        np.concatenate([np.repeat(speed[:, :1], 4, 1), speed, np.repeat(speed[:, -1:], 3, 1)], 1), 1
    )
    speed = (run[:, 7:] - run[:, :-7]) / 7.0
    place = starts[:, None] + np.cumsum(speed, axis=1) * 0.1
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    drift = 0.12 * np.sin(place / 4.0 + phase)
    for w, path in enumerate(paths):
        arc = lengths(path)
        step = np.diff(path, axis=0)
        angle = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
        s = place[w]
        seen[w] = (s > -12.0) & (s < arc[-1] + 12.0)
        pose[w, :, 0] = np.interp(s, arc, path[:, 0])
        pose[w, :, 1] = np.interp(s, arc, path[:, 1])
        pose[w, :, 2] = np.interp(s, (arc[1:] + arc[:-1]) / 2, angle)
        # Beyond the ends of the path, straight on.
        for over, _end, last in (
            (np.minimum(s, 0.0), 0, angle[0]),
            (np.maximum(s - arc[-1], 0.0), -1, angle[-1]),
        ):
            pose[w, :, 0] += over * np.cos(last)
            pose[w, :, 1] += over * np.sin(last)
    pose[..., 0] -= drift * np.sin(pose[..., 2])
    pose[..., 1] += drift * np.cos(pose[..., 2])
    return pose, speed, seen
