"""Scenarios: where they come from and how many of them are used."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from simagents.config.keys import Settings

Source = Literal["synthetic", "womd"]
Seed = Annotated[int, Field(ge=0)]


def _distinct(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is given twice")
    return seeds


Seeds = Annotated[list[Seed], Field(min_length=1), AfterValidator(_distinct)]
Revision = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]


class SourceSettings(Settings):
    """Of any source."""

    held_out: AtLeastOne
    """training scenes on which no run trains; calibration uses them"""
    training_shards: AtLeastOne
    """training shards that are used"""
    validation_shards: AtLeastOne
    """validation shards that are used"""


class Synthetic(SourceSettings):
    """Scenarios of the generator."""

    seed: Seed
    """seed of the generator"""
    revision: Revision
    """number to raise when code changes the generator's output"""
    per_shard: AtLeastOne
    """scenarios in a shard"""


class Womd(SourceSettings):
    """Scenarios of the Waymo Open Motion Dataset."""


class Scenarios(Settings):
    """Both sources; `data` chooses between them."""

    source: Source
    """default source of this scale"""
    synthetic: Synthetic
    """scenarios of the generator"""
    womd: Womd
    """scenarios of the Waymo Open Motion Dataset"""
