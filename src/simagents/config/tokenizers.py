"""Tokenizers: the rules by which motions become a vocabulary of motion tokens."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from simagents.config.data import AtLeastOne, Revision, Seed
from simagents.config.keys import Settings, Tagged


class Tokens(Settings):
    """Settings that all vocabularies share."""

    revision: Revision
    """number to raise when code changes vocabularies or tokenised scenes"""
    seed: Seed
    """seed of the draws among motions"""
    map_size: Annotated[int, Field(ge=2)]
    """number of map tokens"""
    map_tolerance: Annotated[float, Field(gt=0)]
    """radius of a disk of map pieces (m), mean over points"""
    snippets: Annotated[int, Field(ge=100)]
    """largest number of motions that are collected for each class"""


class TokenizerSettings(Settings):
    """Of any rule."""


Size = Annotated[int, Field(ge=2)]


class KDisks(TokenizerSettings):
    """Disks of end boxes, each token the mean of its disk: the vocabulary of SMART and CAT-K."""

    rule: Literal["k_disks"]
    """disks of end boxes; each token is the mean of its disk"""
    size: Size
    """largest number of tokens of a class"""
    tolerance: Annotated[float, Field(gt=0)]
    """radius of a disk (m), mean over box corners"""


class KMeans(TokenizerSettings):
    """Clusters of end boxes, each token the mean of its cluster: a baseline of TrajTok's table."""

    rule: Literal["k_means"]
    """clusters of end boxes; each token is the mean of its cluster"""
    size: Size
    """largest number of tokens of a class"""
    iterations: AtLeastOne
    """rounds of assignment and mean"""


def _ascending(axis: list[float]) -> list[float]:
    low, high, step = axis
    if not (low <= high and step > 0):
        raise ValueError("the numbers are from, to and step, with from ≤ to and step > 0")
    return axis


Axis = Annotated[list[float], Field(min_length=3, max_length=3), AfterValidator(_ascending)]
"""from, to, step"""


class ClassGrid(Settings):
    """End points and headings of one class."""

    x: Axis
    """ahead: from, to, step (m)"""
    y: Axis
    """to the left: from, to, step (m)"""
    heading: Axis
    """from, to, step (rad)"""


class Grid(TokenizerSettings):
    """Every combination of end point and heading, joined by curves: a baseline of TrajTok's table.

    The published baseline's ranges and steps are not known to us; ours are in `config/scale`.
    """

    rule: Literal["grid"]
    """every combination of end point and heading, joined to the origin by a curve"""
    vehicle: ClassGrid
    """points on which tokens of vehicles end"""
    pedestrian: ClassGrid
    """points on which tokens of pedestrians end"""
    cyclist: ClassGrid
    """points on which tokens of cyclists end"""


class EndPoints(Settings):
    """The grid of one class."""

    x: Axis
    """ahead: from, to, step (m)"""
    y: Axis
    """to the left: from, to, step (m)"""
    at_least: AtLeastOne
    """number of motions from which on a cell counts as occupied"""


class TrajTok(TokenizerSettings):
    """Zhang et al. 2025, arXiv:2506.21618, by the rule and numbers of its released code."""

    rule: Literal["trajtok"]
    """cells of a grid that enough motions end in, filtered and completed by their neighbourhoods"""
    mirror: bool
    """whether the mirror image of every motion counts as well"""
    reach: Annotated[int, Field(ge=0)]
    """number of cells to each side of a cell that belong to its neighbourhood"""
    neighbours: Annotated[int, Field(ge=0)]
    """number of occupied cells that a neighbourhood needs; the cell itself counts"""
    curve: Literal["hermite", "as_released"]
    """curve of filled gaps and jerky tokens; `as_released` gives straight lines, as the released code does"""
    vehicle: EndPoints
    """points on which tokens of vehicles end"""
    pedestrian: EndPoints
    """points on which tokens of pedestrians end"""
    cyclist: EndPoints
    """points on which tokens of cyclists end"""


TOKENIZERS = Tagged("rule", "simagents.tokens", KDisks, KMeans, Grid, TrajTok)
Tokenizer = Annotated[TokenizerSettings, TOKENIZERS]
