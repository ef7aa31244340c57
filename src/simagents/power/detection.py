"""How likely a true difference gets a verdict, and how many scenes and seeds that takes.

A difference d_sn of two systems under seed s on scene n is their true difference d plus a seed's, a
scene's and a residual part, independent and normal with deviations σ_seed, σ_scene and σ_residual. The
mean over S seeds and N scenes is normal around d with variance

    τ² = σ²_seed / S + σ²_scene / N + σ²_residual / (S N)

The test of `simagents.differences` estimates it from three sums of squares, which are independent of the
mean and of one another, and χ² with S - 1, N - 1 and (S - 1)(N - 1) degrees of freedom (Searle, Casella &
McCulloch 1992, Variance Components, ch. 4). Given these the test has a threshold h, and the power is
Φ((d - h) / τ) + Φ((-d - h) / τ). Its mean over the three χ² is taken by Gauss-Legendre quadrature over
their quantiles. Where only one of the three parts varies, this is the power by the noncentral t.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf, sqrt

import numpy as np
from jaxtyping import Float64
from scipy import special

from simagents.differences import Parts

Count = int | float
"""Of seeds or scenes; may be infinite."""
GOAL = 0.8
"""The power that is usually planned for (Cohen 1988, Statistical Power Analysis, ch. 2)."""
_NODES = (40, 12, 8)
"""For seeds, scenes and the residual: the fewer degrees of freedom, the more."""
_MOST = 10**12
"""Counts are not searched beyond."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the difference of two systems."""

    seed: float
    """between training seeds, of the mean over all scenes"""
    scene: float
    """between scenes, of the mean over all seeds"""
    residual: float
    """of one scene under one seed, beside both"""

    def error(self, seeds: Count, scenes: Count) -> float:
        """The standard error of a mean difference."""
        squares = self.seed**2 / seeds, self.scene**2 / scenes, self.residual**2 / (seeds * scenes)
        return sqrt(sum(squares))


def power(true: float, spread: Spread, seeds: Count, scenes: Count, p: float) -> float:
    """Probability that a difference `true` has a p value of at most `p`.

    One seed gives no verdict, so its power is 0.
    """
    if seeds < 2 or scenes < 2:
        return 0.0
    error = spread.error(seeds, scenes)
    if error == 0:
        return float(true != 0)
    freedoms = seeds - 1, scenes - 1, (seeds - 1) * (scenes - 1)
    grid = [_quadrature(*both) for both in zip(freedoms, _NODES, strict=True)]
    (of_seed, of_scene, of_rest), weights = zip(*grid, strict=True)
    both = spread.residual**2 / (seeds * scenes)
    over_seeds = (spread.seed**2 / seeds + both) * of_seed[:, None, None]
    over_scenes = (spread.scene**2 / scenes + both) * of_scene[:, None] - both * of_rest
    parts = Parts(over_seeds, np.maximum(over_scenes, 0.0), seeds, scenes)
    threshold = parts.half(p)
    found = special.ndtr((true - threshold) / error) + special.ndtr((-true - threshold) / error)
    return float(np.einsum("i,j,k,ijk->", *weights, found))


def least_scenes(true: float, spread: Spread, seeds: int, p: float) -> int | None:
    """Scenes that give the difference the power GOAL under so many seeds; None where none do."""
    return _least(lambda scenes: power(true, spread, seeds, scenes, p))


def least_seeds(true: float, spread: Spread, scenes: int, p: float) -> int | None:
    """Seeds that give the difference the power GOAL on so many scenes; None where none do."""
    return _least(lambda seeds: power(true, spread, seeds, scenes, p))


def detectable(spread: Spread, seeds: int, scenes: int, p: float) -> float | None:
    """The least difference that has the power GOAL; None under one seed, which gives no verdict."""
    if power(1.0, spread, seeds, scenes, p) < GOAL:
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        reached = power(middle, spread, seeds, scenes, p) >= GOAL
        low, high = (low, middle) if reached else (middle, high)
    return high


def _least(power_of: Callable[[Count], float]) -> int | None:
    """The smallest count from 2 on of which the power reaches GOAL; it grows with the count."""
    if power_of(inf) < GOAL:
        return None
    high = 2
    while power_of(high) < GOAL:
        high *= 2
        if high > _MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= GOAL else (middle, high)
    return high


_legendre = cache(np.polynomial.legendre.leggauss)


def _quadrature(
    freedom: Count, nodes: int
) -> tuple[Float64[np.ndarray, "K"], Float64[np.ndarray, "K"]]:
    """Values of χ² / freedom, and their weights."""
    if freedom == inf:
        return np.ones(1), np.ones(1)
    place, weight = _legendre(nodes)
    return special.chdtri(freedom, (1 - place) / 2) / freedom, weight / 2
