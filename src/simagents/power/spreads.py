"""Spreads of differences: measured from scores, or read from config/spread.yaml."""

from collections.abc import Iterable
from math import sqrt
from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from simagents.config.keys import Settings, read_as
from simagents.config.reading import read_yaml
from simagents.errors import InputError, unknown_value
from simagents.power.detection import Spread

Deviation = Annotated[float, Field(ge=0)]


class Deviations(Settings):
    """The spread of a column."""

    seed: Deviation
    """between training seeds"""
    scene: Deviation
    """between scenes"""
    residual: Deviation
    """of one scene under one seed, beside both"""


class Entry(Settings):
    """Spreads of one origin."""

    source: str
    """how they were found"""
    columns: Annotated[dict[str, Deviations], Field(min_length=1)]
    """by the column that rows are compared by"""


def read_spreads(path: Path, name: str) -> tuple[str, dict[str, Spread]]:
    """How the spreads of that name were found, and each by its column.

    Raises InputError where the file has none of that name, or a key that spreads have not.
    """
    entries = read_yaml(path)
    if name not in entries:
        raise unknown_value(name, str(path), entries)
    entry = read_as(Entry, entries[name], f"{path}, {name}")
    return entry.source, {key: Spread(**of.model_dump()) for key, of in entry.columns.items()}


def measured(differences: Iterable[Float64[np.ndarray, "S N"]]) -> Spread:
    """The spread that several pairs of rows have in common, from their paired scores.

    S seeds, N scenes. Parts of the variance from mean squares of the two-way layout (Searle, Casella &
    McCulloch 1992, Variance Components, ch. 4), averaged over the pairs; one that comes out negative
    is 0. Raises InputError where there is one seed or one scene.
    """
    parts = np.mean([_parts(delta) for delta in differences], axis=0)
    return Spread(*(sqrt(max(part, 0.0)) for part in parts))


def _parts(delta: Float64[np.ndarray, "S N"]) -> tuple[float, float, float]:
    """Variance of seeds, of scenes and of the residual."""
    seeds, scenes = delta.shape
    if min(seeds, scenes) < 2:
        raise InputError(
            f"scores of {seeds} seeds and {scenes} scenes say nothing of their spread; measure with"
            " at least two of each."
        )
    of_seed, of_scene = delta.mean(axis=1), delta.mean(axis=0)
    rest = delta - of_seed[:, None] - of_scene + delta.mean()
    residual = float((rest**2).sum() / ((seeds - 1) * (scenes - 1)))
    return (
        float(of_seed.var(ddof=1)) - residual / scenes,
        float(of_scene.var(ddof=1)) - residual / seeds,
        residual,
    )
