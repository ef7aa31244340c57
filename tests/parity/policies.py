"""Simulators whose rollouts the official evaluator has scored.

Frozen: official values in `golden/` belong to these rollouts to the last bit, and `official.json`
has their digest. So there are no sums whose order a library may choose, random numbers come from
integers, and sines are rounded to where all libraries agree.
"""

import hashlib
from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Float64

from simagents.geometry import wrap_angle
from simagents.scenarios.scenario import CURRENT, SIMULATED, LightState, Scenario

ROLLOUTS = 32
TIMES = np.arange(1, SIMULATED + 1)
Rollouts = Float32[np.ndarray, "32 A 80 4"]


def rollouts_of(scenario: Scenario, policy: str) -> Rollouts:
    """Trajectories x, y, z (m), heading (rad) of one of `POLICIES`, for every simulated agent."""
    generator = np.random.Generator(np.random.Philox(key=list(POLICIES).index(policy)))
    poses = POLICIES[policy](scenario, generator)
    agents = len(scenario.simulated)
    return np.broadcast_to(poses, (ROLLOUTS, agents, SIMULATED, 4)).astype(np.float32)


def applies(scenario: Scenario, policy: str) -> bool:
    """Whether a policy has what it needs: `red` a red light."""
    return policy != "red" or len(_red_moments(scenario)) > 0


def digest(rollouts: Rollouts) -> str:
    """Ten hexadecimal digits that change with any bit of the rollouts."""
    return hashlib.blake2b(rollouts.tobytes(), digest_size=5).hexdigest()


def _log(scenario: Scenario) -> Float64[np.ndarray, "A 81 4"]:
    """Logged poses from the current step on; an agent that the log loses stays where it was."""
    rows, steps = scenario.simulated[:, None], np.arange(CURRENT, CURRENT + SIMULATED + 1)
    seen = np.maximum.accumulate(np.where(scenario.valid[rows, steps], steps, 0), axis=1)
    heading = scenario.heading[rows, seen, None]
    return np.concatenate([scenario.position[rows, seen], heading], axis=-1).astype(np.float64)


def _agreed(values: np.ndarray, parts: int = 1 << 16) -> np.ndarray:
    """Rounded far more coarsely than libraries differ."""
    return np.round(values * parts) / parts


def _around_zero(generator, *shape: int) -> np.ndarray:
    return generator.random(shape) * 2 - 1


def _red_moments(scenario: Scenario) -> np.ndarray:
    """[M, 2]: a row of the lights and a simulated step (from 0) at which it is red."""
    state = scenario.light_state[:, CURRENT + 1 :]
    is_red = (state == LightState.STOP) | (state == LightState.ARROW_STOP)
    return np.argwhere(is_red & np.isin(scenario.light_lane, scenario.map_id)[:, None])


def log(scenario: Scenario, generator) -> np.ndarray:
    """What happened, 32 times."""
    return _log(scenario)[:, 1:]


def noise(scenario: Scenario, generator) -> np.ndarray:
    """The log with drifts of 2 cm to 4 m and jitter of 1 cm."""
    poses = _log(scenario)[:, 1:]
    scale = 2.0 ** generator.integers(-6, 3, (ROLLOUTS, 1, 1, 1)) * np.array([1, 1, 0.05, 0.1])
    drift = _around_zero(generator, ROLLOUTS, len(poses), 1, 4) * scale
    jitter = _around_zero(generator, ROLLOUTS, *poses.shape) * 0.01
    return poses + drift * (TIMES / SIMULATED)[:, None] + jitter


def velocity(scenario: Scenario, generator) -> np.ndarray:
    """Everyone keeps the current velocity and heading."""
    poses = np.repeat(_log(scenario)[:, :1], SIMULATED, axis=1)
    now = scenario.velocity[scenario.simulated, CURRENT].astype(np.float64)
    poses[..., :2] += now[:, None] * (TIMES * 0.1)[:, None]
    return poses


def walk(scenario: Scenario, generator) -> np.ndarray:
    """Random walks of speed and yaw rate; even rollouts leave headings unwrapped."""
    start = _log(scenario)[:, :1]
    speed = np.hypot(*scenario.velocity[scenario.simulated, CURRENT].astype(np.float64).T)
    change = _around_zero(generator, ROLLOUTS, len(start), SIMULATED)
    speed = np.maximum(_agreed(speed)[:, None] + np.cumsum(change, axis=-1), 0)
    yaw_rate = np.cumsum(_around_zero(generator, ROLLOUTS, len(start), SIMULATED) * 0.2, axis=-1)
    heading = start[..., 3] + np.cumsum(yaw_rate * 0.1, axis=-1)
    poses = np.empty((*heading.shape, 4))
    poses[..., 0] = start[..., 0] + np.cumsum(speed * _agreed(np.cos(heading)) * 0.1, axis=-1)
    poses[..., 1] = start[..., 1] + np.cumsum(speed * _agreed(np.sin(heading)) * 0.1, axis=-1)
    poses[..., 2] = start[..., 2]
    poses[..., 3] = heading
    poses[1::2, ..., 3] = wrap_angle(heading[1::2])
    return poses


def warp(scenario: Scenario, generator) -> np.ndarray:
    """The log at half to double speed; it ends where the log ends."""
    poses = _log(scenario)
    pace = _agreed(2.0 ** _around_zero(generator, ROLLOUTS))
    at = np.minimum(pace[:, None] * TIMES, SIMULATED - 1e-9)
    before = at.astype(int)
    way = np.diff(poses, axis=1)
    way[..., 3] = wrap_angle(way[..., 3])
    part = (at - before)[:, None, :, None]
    warped = poses[:, before] + way[:, before] * part.transpose(1, 0, 2, 3)
    return warped.swapaxes(0, 1)


def red(scenario: Scenario, generator) -> np.ndarray:
    """The log, but each evaluated agent drives past a stop line, mostly while its light is red."""
    poses = np.repeat(_log(scenario)[None, :, 1:], ROLLOUTS, axis=0)
    place = {row: i for i, row in enumerate(scenario.simulated.tolist())}
    lane = {int(scenario.map_id[row]): row for row in range(len(scenario.map_id))}
    moments = _red_moments(scenario)
    for rollout in range(ROLLOUTS):
        for agent in (place[row] for row in scenario.evaluated.tolist()):
            signal, step = moments[generator.integers(len(moments))]
            step = step if generator.random() < 0.8 else generator.integers(SIMULATED)
            line = scenario.polyline(lane[int(scenario.light_lane[signal])])
            stop = scenario.light_stop[signal, CURRENT + 1 + step].astype(np.float64)
            way = np.diff(line.astype(np.float64), axis=0)
            way = way[((line[:-1] - stop) ** 2).sum(axis=1).argmin()]
            heading = _agreed(np.arctan2(way[1], way[0]))
            ahead = (TIMES - 1 - step + generator.random()) * (0.3 + generator.random())
            poses[rollout, agent, :, 0] = stop[0] + ahead * _agreed(np.cos(heading))
            poses[rollout, agent, :, 1] = stop[1] + ahead * _agreed(np.sin(heading))
            poses[rollout, agent, :, 3] = heading
    return poses


POLICIES: dict[str, Callable[[Scenario, np.random.Generator], np.ndarray]] = {
    "log": log,
    "noise": noise,
    "velocity": velocity,
    "walk": walk,
    "warp": warp,
    "red": red,
}
