"""Scenarios: where they come from and how many of them are used."""

from typing import Annotated, Literal

from pydantic import Field

from simagents.config.keys import Settings

Source = Literal["synthetic", "womd"]
Seed = Annotated[int, Field(ge=0)]
Revision = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]


class SourceSettings(Settings):
    """Of any source."""

    held_out: AtLeastOne
    """training scenes that no run trains on; thresholds are measured there"""
    training_shards: AtLeastOne
    """training shards that are used"""
    validation_shards: AtLeastOne
    """validation shards that are used"""


class Synthetic(SourceSettings):
    """Scenarios of the generator."""

    seed: Seed
    """of the generator"""
    revision: Revision
    """raised when the generator's output changes"""
    per_shard: AtLeastOne
    """scenarios in a shard"""


class Womd(SourceSettings):
    """Scenarios of the Waymo Open Motion Dataset."""


class Scenarios(Settings):
    """Both sources; `data` chooses between them."""

    source: Source
    """the source that this scale is made for"""
    synthetic: Synthetic
    """scenarios of the generator"""
    womd: Womd
    """scenarios of the Waymo Open Motion Dataset"""
