"""How far two evaluations differ, and how far they may."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from simagents.metrics.challenge import KINEMATIC
from simagents.metrics.scene_features import Features

DISTANCES = ("distance_to_nearest_object", "distance_to_road_edge")
PER_STEP = ("collision_per_step", "offroad_per_step", "traffic_light_violation_per_step")
ALLOWED = {
    **dict.fromkeys(KINEMATIC, 1e-5),
    **dict.fromkeys(DISTANCES, 1e-3),
    "time_to_collision": 1e-4,
    **dict.fromkeys(PER_STEP, 0.0),
    "average_displacement_error": 1e-5,
}
"""Largest absolute difference by feature, in its unit. Distances: a float32 step at coordinates
of several kilometres is half a millimetre, and libraries may differ in the last bit of a sine. Time
to collision: the last bit of a gap of 5 m between centres, divided by a closing speed of 5 mm/s. The
displacement error, a mean over 91 steps, is relative to its size where that is more than a metre."""
SCORES_ALLOWED = 1e-5


@dataclass(frozen=True)
class Difference:
    """Between two arrays, or the worst of several such pairs."""

    largest: float
    """absolute, where both are numbers; for indicators the number of unequal ones"""
    same_nan: bool
    values: int
    """how many were compared"""

    @staticmethod
    def between(ours: np.ndarray, official: np.ndarray) -> "Difference":
        """Of two arrays of the same shape; booleans count as unequal or not."""
        if ours.shape != official.shape:
            raise ValueError(f"{ours.shape} values beside {official.shape}")
        if ours.dtype == bool:
            return Difference(float((ours != official).sum()), True, ours.size)
        nan = np.isnan(official)
        gap = np.abs(ours.astype(np.float64) - official)[~nan & ~np.isnan(ours)]
        same_nan = bool((np.isnan(ours) == nan).all())
        return Difference(float(gap.max(initial=0)), same_nan, ours.size)

    @staticmethod
    def worst(several: Iterable["Difference"]) -> "Difference":
        """The largest of several differences."""
        several = list(several)
        return Difference(
            max(each.largest for each in several),
            all(each.same_nan for each in several),
            sum(each.values for each in several),
        )


def features_differ(ours: Features, official: Mapping[str, np.ndarray]) -> dict[str, Difference]:
    """By feature, in the units of `ALLOWED`."""
    differences = {}
    for name in ALLOWED:
        values, expected = getattr(ours, name).numpy(), official[name]
        if name == "average_displacement_error":
            size = np.maximum(expected, 1)
            values, expected = values / size, expected / size
        differences[name] = Difference.between(values, expected)
    return differences


def scores_differ(ours: Mapping[str, float], official: Mapping) -> dict[str, float]:
    """By field of the official result and bucket, for one year of an `official.json`.

    Displacement errors are relative to their size where that is more than a metre.
    """
    buckets = {name: value for name, value in official["buckets"].items() if name in ours}
    fields = {name: value for name, value in official["metrics"].items() if name in ours}
    return {
        name: abs(ours[name] - value) / max(1.0, abs(value))
        for name, value in (fields | buckets).items()
    }
