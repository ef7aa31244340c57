"""From places on routes, every 0.2 s, to poses in the plane, every 0.1 s."""

import numpy as np

from simagents.scenarios.scenario import STEP_SECONDS
from simagents.scenarios.synthetic.routes import Routes
from simagents.scenarios.synthetic.traffic import STEP, Motion


def trace(routes: Routes, motion: Motion, wander: np.ndarray, steps: int):
    """Poses [N, steps, 3], speeds [N, steps] and whether they are on the network [N, steps].

    Between two recorded steps the speed changes evenly. Sideways, the lateral wander of the driver
    (`wander` as in `cast.Drivers`) and what is left of a lane change add up; both are functions of
    the place, and so the heading is the direction of the path actually driven.
    """
    t = np.arange(steps) // 2
    odd = (np.arange(steps) % 2) * (STEP / 2)
    route, v = motion.route[:, t], motion.speed[:, t]
    after = np.minimum(t + 1, motion.speed.shape[1] - 1)
    gain = (motion.speed[:, after] - v) / STEP
    s = motion.place[:, t] + v * odd + 0.5 * gain * odd**2
    pose = routes.poses(route, s)

    amplitude, wavelength, phase = wander.transpose(2, 0, 1)[..., None]
    angle = s[:, None] / wavelength + phase
    aside = (amplitude * np.sin(angle)).sum(axis=1)
    slope = (amplitude / wavelength * np.cos(angle)).sum(axis=1)
    left, begin, length = motion.shift.T[..., None]
    x = np.clip((s - begin) / length, 0.0, 1.0)
    on_new = t >= motion.changed_at[:, None]
    aside += np.where(on_new, left * (1 - x**3 * (10 - 15 * x + 6 * x * x)), 0.0)
    slope -= np.where(on_new, left / length * (30 * x * x * (1 - x) ** 2), 0.0)

    heading = pose[..., 2]
    out = np.empty_like(pose)
    out[..., 0] = pose[..., 0] - aside * np.sin(heading)
    out[..., 1] = pose[..., 1] + aside * np.cos(heading)
    out[..., 2] = heading + np.arctan(slope)
    speed = np.hypot(*np.gradient(out[..., :2], STEP_SECONDS, axis=1).transpose(2, 0, 1))
    seen = (s >= 0) & (s <= routes.length[route])
    return out, speed, seen
