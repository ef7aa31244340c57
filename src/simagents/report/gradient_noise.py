"""What the noise of a gradient costs, by credit rule: from dot products of score functions.

One scene contributes g = (1/N) Σ A_i S_i of its N rollouts, with S the score functions and A the
advantages. A step averages g over scenes, so its expectation has the squared length |E g|², the
signal, and its noise is (E|g|² - |E g|²) / scenes. A step has as much noise as signal with
(E|g|² - |E g|²) / |E g|² scenes: the scenes that a rule needs. All of it follows from dot products.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64
from safetensors import SafetensorError, safe_open

from simagents.errors import InputError
from simagents.report.jackknife import (
    Interval,
    inverted,
    jackknifed,
    leaving_out,
    of_logarithm,
    slopes,
)

LEAST_SCENES = 3
"""A jackknife leaves at least one pair."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What `simagents gradients` wrote of one run; S scenes, R rollouts of each."""

    gram: Float64[np.ndarray, "S R S R"]
    rewards: dict[int, Float64[np.ndarray, "S _"]]
    """by N: the metric of each of R / N groups"""
    without: dict[int, Float64[np.ndarray, "S _ _"]]
    """by N: the same without each member, [S, R / N, N]"""
    group: int
    """N of training"""

    @staticmethod
    def read(path: Path) -> "Measured":
        """Raises InputError where the file is absent, no such file, or has too few scenes."""
        try:
            with safe_open(path, framework="numpy") as file:
                names = list(file.keys())
                arrays = {name: file.get_tensor(name).astype(np.float64) for name in names}
                gram = symmetric(arrays.pop("products"))
                facts = file.metadata()
                rollouts, group = (json.loads(facts[name]) for name in ("rollouts", "group"))
            found: dict[str, dict[int, np.ndarray]] = {"rewards": {}, "without": {}}
            for name, array in arrays.items():
                kind, _, size = name.partition(".")
                found[kind][int(size)] = array
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file.") from None
        except (SafetensorError, KeyError, TypeError, ValueError) as problem:
            raise InputError(f"{path}: not from `simagents gradients` ({problem}).") from None
        scenes = len(gram) // rollouts
        if scenes < LEAST_SCENES:
            raise InputError(
                f"{path}: {scenes} scenes, and the noise of a gradient needs at least"
                f" {LEAST_SCENES}; raise `held_out` of the scenarios."
            )
        return Measured(gram.reshape(scenes, rollouts, scenes, rollouts), **found, group=group)

    @property
    def sizes(self) -> list[int]:
        """N of which every rule has a gradient."""
        return sorted(self.without)


def symmetric(triangle: Float[np.ndarray, "_"]) -> Float[np.ndarray, "n n"]:
    """The matrix of which these are the rows of the upper triangle."""
    n = int(np.sqrt(2 * len(triangle)))
    matrix = np.empty((n, n), triangle.dtype)
    row, column = np.triu_indices(n)
    matrix[row, column] = matrix[column, row] = triangle
    return matrix


def advantages(measured: Measured, size: int) -> dict[str, Float64[np.ndarray, "S K N"]]:
    """Of every rule's groups of N = `size`; rules as in `simagents.algorithms.credit`.

    α is the mean of the set reward over these scenes, and its deviation that of one group of a scene:
    as numbers, as in training.
    """
    metric, without = measured.rewards[size][..., None], measured.without[size]
    single = measured.rewards[1].reshape(without.shape)
    alpha, deviation = metric.mean(), metric.std(ddof=1)
    everyone = np.ones(size)
    relative = single - single.mean(axis=-1, keepdims=True)
    return {
        "constant": (metric - alpha) * everyone,
        "constant_low": (metric - alpha + deviation) * everyone,
        "constant_high": (metric - alpha - deviation) * everyone,
        "leave_one_out": metric - without,
        "mloo": without.mean(axis=-1, keepdims=True) - without,
        "rloo": relative * size / (size - 1),
        "scene_mean": relative,
    }


SIGNAL_OF = dict.fromkeys(("constant", "constant_low", "constant_high"), "leave_one_out")
"""Rules with the expected gradient of another, whose estimate has less noise and stands for both."""

LABELS = {
    "constant": "MPO, $\\alpha_0$",
    "constant_low": "MPO, $\\alpha_0-\\sigma$",
    "constant_high": "MPO, $\\alpha_0+\\sigma$",
    "leave_one_out": "leave-one-out",
    "mloo": "MLOO",
    "rloo": "RLOO of single rollouts",
    "scene_mean": "mean of the scene, single rollouts",
}
"""Of rules, for figures and tables."""


@dataclass(frozen=True)
class Noise:
    """Of one rule's gradient from one scene with N rollouts."""

    signal: Interval
    """|E g|²; an unbiased estimate, so it may be negative where noise hides it"""
    noise: Interval
    """E|g|² - |E g|²"""
    scenes: Interval
    """for as much noise as signal; its upper end is infinite where the signal's interval includes zero"""
    relative: Interval | None
    """noise over that of the rule with the same expected gradient: how many times as many scenes it
    needs, whatever the signal; None for rules that share theirs with no other"""


def noise_of(measured: Measured, size: int) -> dict[str, Noise]:
    """Of every rule with groups of `size`. The intervals of noises are those of their logarithms."""
    moments = _moments_of_rules(measured, size)
    noises = {
        rule: square - moments[SIGNAL_OF.get(rule, rule)][1]
        for rule, (square, _) in moments.items()
    }
    result = {}
    for rule, noise in noises.items():
        shared = SIGNAL_OF.get(rule)
        signal = moments[shared or rule][1]
        result[rule] = Noise(
            jackknifed(signal),
            of_logarithm(noise),
            inverted(jackknifed(signal / noise)),
            of_logarithm(noise / noises[shared]) if shared else None,
        )
    return result


def _moments_of_rules(measured: Measured, size: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        rule: _moments(measured.gram, advantage)
        for rule, advantage in advantages(measured, size).items()
    }


def _moments(
    gram: Float64[np.ndarray, "S R S R"], advantage: Float64[np.ndarray, "S K N"]
) -> tuple[Float64[np.ndarray, "_"], Float64[np.ndarray, "_"]]:
    """E|g|² and |E g|²: of all scenes, then without the first, the second, and so on.

    The groups of a scene are not independent of one another, since they share the scene, so
    the signal comes from pairs of different scenes alone: for s ≠ t, E[g_s · g_t] = |E g|².
    """
    scenes, groups, size = advantage.shape
    flat = advantage.reshape(scenes, groups * size)
    number = np.arange(scenes)
    own = (flat[:, :, None] * gram[number, :, number] * flat[:, None]).reshape(
        scenes, groups, size, groups, size
    )
    square = np.einsum("skakb->s", own) / groups / size**2
    pairs = np.einsum("sr,srtq,tq->st", flat, gram, flat, optimize=True) / (groups * size) ** 2
    np.fill_diagonal(pairs, 0.0)
    total, by_scene = pairs.sum(), pairs.sum(axis=1)
    signal = np.append(
        total / (scenes * (scenes - 1)),
        (total - 2 * by_scene) / ((scenes - 1) * (scenes - 2)),
    )
    return leaving_out(square), signal


def noise_slopes(measured: Measured) -> dict[str, Interval]:
    """Exponent of N in the noise of every rule's gradient, by least squares of logarithms."""
    by_size = [_moments_of_rules(measured, size) for size in measured.sizes]
    return {
        rule: jackknifed(
            slopes(
                measured.sizes,
                np.array([m[rule][0] - m[SIGNAL_OF.get(rule, rule)][1] for m in by_size]),
            )
        )
        for rule in LABELS
    }


def rollouts_needed(measured: Measured, size: int) -> dict[str, Interval]:
    """Of every rule with groups of `size`: the rollouts, over all scenes of a step, for as much noise
    as signal. It compares different N at equal cost, since a step costs what its rollouts cost."""
    return {
        rule: Interval(*(size * end for end in (n.scenes.value, n.scenes.low, n.scenes.high)))
        for rule, n in noise_of(measured, size).items()
    }
