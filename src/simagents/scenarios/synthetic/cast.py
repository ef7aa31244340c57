"""Who takes part: sizes of bodies and tempers of drivers."""

from dataclasses import dataclass

import numpy as np

_BODIES = np.array([
    # share, then mean and deviation of length, width, height (m)
    [0.74, 4.62, 0.22, 2.05, 0.08, 1.58, 0.12],  # cars
    [0.19, 5.25, 0.30, 2.15, 0.08, 1.90, 0.12],  # large cars and pick-ups
    [0.055, 6.60, 0.60, 2.35, 0.10, 2.70, 0.25],  # vans and small lorries
    [0.015, 10.8, 0.90, 2.60, 0.08, 3.20, 0.20],  # buses and lorries
])  # fmt: skip
LONG = 3  # the row of bodies that do not fit through every turn


def vehicle_sizes(rng, count, largest=LONG):
    """Length, width, height, [count, 3], of bodies up to row `largest`."""
    share = _BODIES[: largest + 1, 0]
    row = np.searchsorted(np.cumsum(share[:-1]) / share.sum(), rng.random(count))
    spread = np.clip(rng.standard_normal((count, 3)), -2, 2)
    return _BODIES[row, 1::2] + spread * _BODIES[row, 2::2]


def pedestrian_sizes(rng, count):
    """Length, width, height, [count, 3]."""
    spread = np.clip(rng.standard_normal((count, 3)), -2, 2)
    return np.array([0.86, 0.82, 1.72]) + spread * np.array([0.10, 0.07, 0.11])


def cyclist_sizes(rng, count):
    """Length, width, height, [count, 3], of bicycles with their riders."""
    spread = np.clip(rng.standard_normal((count, 3)), -2, 2)
    return np.array([1.79, 0.79, 1.70]) + spread * np.array([0.07, 0.06, 0.09])


@dataclass
class Drivers:
    """One number for each driver, [N]; what they mean is said in `traffic.py`."""

    haste: np.ndarray
    """desired speed over allowed speed"""
    headway: np.ndarray
    """s"""
    gap: np.ndarray
    """standing behind another, m"""
    push: np.ndarray
    """acceleration they like, m/s^2"""
    brake: np.ndarray
    """braking they like, m/s^2"""
    lag: np.ndarray
    """s until the foot has done what the head wants"""
    wander: np.ndarray
    """[N, 3, 3]: amplitude (m), wavelength over 2 pi (m), phase of three waves sideways"""


def drivers(rng, bicycle: np.ndarray) -> Drivers:
    """Drivers for vehicles and, where `bicycle` [N] is True, for bicycles."""
    n = len(bicycle)
    z = np.clip(rng.standard_normal((6, n)), -2.2, 2.2)
    wander = np.empty((n, 3, 3))
    wander[..., 0] = np.abs(rng.normal(0.0, 0.07, (n, 3))).clip(0, 0.15)
    wander[..., 1] = rng.uniform(7.0, 30.0, (n, 3))
    wander[..., 2] = rng.uniform(0, 2 * np.pi, (n, 3))
    haste = np.where(bicycle, 0.68 + 0.13 * z[0], 0.96 + 0.10 * z[0])
    return Drivers(
        haste=haste,
        headway=1.35 * np.exp(0.25 * z[1]),
        gap=np.clip(2.3 + 0.7 * z[2], 1.2, 4.0),
        push=np.where(bicycle, 0.8, 1.5 + 0.3 * z[3]),
        brake=1.9 + 0.3 * z[4],
        lag=0.35 + 0.08 * z[5],
        wander=wander,
    )
