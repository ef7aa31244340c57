"""What each year of the Waymo Open Sim Agents Challenge measures, and with which weights."""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.errors import InputError

KINEMATIC = ("linear_speed", "linear_acceleration", "angular_speed", "angular_acceleration")
INTERACTIVE = ("distance_to_nearest_object", "collision_indication", "time_to_collision")
MAP_BASED = ("distance_to_road_edge", "offroad_indication", "traffic_light_violation")
FEATURES = KINEMATIC + INTERACTIVE + MAP_BASED
INDICATORS = ("collision_indication", "offroad_indication", "traffic_light_violation")

HISTOGRAM_PSEUDOCOUNT = 0.1
BERNOULLI_PSEUDOCOUNT = 0.001


@dataclass(frozen=True)
class Histogram:
    """Equal bins between `low` and `high`, in the unit of the feature."""

    low: float
    high: float
    bins: int

    @property
    def edges(self) -> Float32[Tensor, "{self.bins}+1"]:
        """Bin edges in float32: steps of the rounded width from `low`, the last one exactly `high`.

        The official evaluator rounds after each operation, so that an edge may differ from the
        nearest float32 in its last bit; a value that sits on an edge then changes its bin.
        """
        low, high = torch.tensor(self.low), torch.tensor(self.high)
        edges = low + (high - low) / self.bins * torch.arange(self.bins + 1)
        edges[-1] = high
        return edges


@dataclass(frozen=True)
class Challenge:
    """One year's configuration of the realism meta-metric.

    Waymo Open Sim Agents Challenge 2023 to 2025, as the official evaluator 1.6.7 computes them: all
    years share the current features, so 2023 means that year's weights and bins and not the numbers
    of its leaderboard, which came from older features.
    """

    year: int
    histograms: dict[str, Histogram]
    weights: dict[str, float]
    time_to_collision_of_all: bool = False
    """score the time to collision of pedestrians and cyclists too, as evaluators before 1.6.5 do:
    the published leaderboard of 2024 and the papers that quote it"""

    @classmethod
    @cache
    def of(cls, year: int) -> "Challenge":
        """The configuration of a challenge year."""
        if year not in _RANGES:
            years = ", ".join(str(valid_year) for valid_year in _RANGES)
            raise InputError(f"there is no challenge year {year}; choose one of {years}.")
        histograms = {
            name: Histogram(*bounds) for name, bounds in (_COMMON | _RANGES[year]).items()
        }
        return cls(year, histograms, dict(zip(FEATURES, _WEIGHTS[year], strict=True)))


# low, high, bins
_COMMON = {
    "distance_to_nearest_object": (-5.0, 40.0, 10),
    "time_to_collision": (0.0, 5.0, 10),
    "distance_to_road_edge": (-20.0, 40.0, 10),
}
_SINCE_2024 = {
    "linear_speed": (0.0, 25.0, 10),
    "linear_acceleration": (-12.0, 12.0, 11),
    "angular_speed": (-0.628, 0.628, 11),
    "angular_acceleration": (-3.14, 3.14, 11),
}
_RANGES = {
    2023: {
        "linear_speed": (0.0, 35.0, 10),
        "linear_acceleration": (-15.0, 15.0, 10),
        "angular_speed": (-31.5, 31.5, 10),
        "angular_acceleration": (-31.5, 31.5, 10),
    },
    2024: _SINCE_2024,
    2025: _SINCE_2024,
}
# In the order of FEATURES. The weights of 2023 add up to 0.99, in the official file too.
_WEIGHTS = {
    2023: (0.09, 0.09, 0.09, 0.09, 0.09, 0.18, 0.09, 0.09, 0.18, 0.0),
    2024: (0.05, 0.05, 0.05, 0.05, 0.10, 0.25, 0.10, 0.10, 0.25, 0.0),
    2025: (0.05, 0.05, 0.05, 0.05, 0.10, 0.25, 0.10, 0.05, 0.25, 0.05),
}
