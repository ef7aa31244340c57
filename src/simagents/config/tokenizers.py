"""Tokenizers: the rules by which motions become a vocabulary of motion tokens."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from simagents.config.data import AtLeastOne, Revision, Seed
from simagents.config.keys import Settings, Tagged


class Tokens(Settings):
    """What all vocabularies have in common."""

    revision: Revision
    """raised when code changes vocabularies or tokenised scenes"""
    seed: Seed
    """of the draws among motions"""
    map_size: Annotated[int, Field(ge=2)]
    """map tokens"""
    map_tolerance: Annotated[float, Field(gt=0)]
    """radius of a disk of map pieces (m), mean over points"""
    snippets: Annotated[int, Field(ge=100)]
    """motions collected per class at most"""


class TokenizerSettings(Settings):
    """Of any rule."""


Size = Annotated[int, Field(ge=2)]


class KDisks(TokenizerSettings):
    """Disks of end boxes, each token the mean of its disk: the vocabulary of SMART and CAT-K."""

    rule: Literal["k_disks"]
    """disks of end boxes; each token is the mean of its disk"""
    size: Size
    """tokens per class at most"""
    tolerance: Annotated[float, Field(gt=0)]
    """radius of a disk (m), mean over box corners"""


class KMeans(TokenizerSettings):
    """Clusters of end boxes, each token the mean of its cluster: a baseline of TrajTok's table."""

    rule: Literal["k_means"]
    """clusters of end boxes; each token is the mean of its cluster"""
    size: Size
    """tokens per class at most"""
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
    """motions that a cell needs to count as seen"""


class TrajTok(TokenizerSettings):
    """Zhang et al. 2025, arXiv:2506.21618, by the rule and numbers of its released code."""

    rule: Literal["trajtok"]
    """cells of a grid that enough motions end in, filtered and completed by their neighbourhoods"""
    mirror: bool
    """whether every motion's mirror image is counted too"""
    reach: Annotated[int, Field(ge=0)]
    """cells to each side in a neighbourhood"""
    neighbours: Annotated[int, Field(ge=0)]
    """seen cells that a neighbourhood needs; the cell itself counts"""
    curve: Literal["hermite", "as_released"]
    """of filled gaps and jerky tokens; the released code draws straight lines"""
    vehicle: EndPoints
    """points on which tokens of vehicles end"""
    pedestrian: EndPoints
    """points on which tokens of pedestrians end"""
    cyclist: EndPoints
    """points on which tokens of cyclists end"""


TOKENIZERS = Tagged("rule", "simagents.tokens", KDisks, KMeans, Grid, TrajTok)
Tokenizer = Annotated[TokenizerSettings, TOKENIZERS]
