"""Every number that a paper prints and that we have too: both, their difference, and what it says.

The interval is that of our value, over training seeds and scenarios together, taken from the
published one; the error of the published value is unknown and not in it. A verdict needs the scale,
data, split, metric and number of rollouts of the paper; where one of these is another the reason is
named by its letter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, sqrt
from typing import Any

from scipy import special

from simagents.report.columns import Column, column
from simagents.report.published import Published, names_in_pairs
from simagents.report.rows import UNTRAINED

Json = dict[str, Any]

REASONS = {
    "a": "our scale is not the paper's",
    "b": "our data are synthetic",
    "c": "the paper or we score another split, or a subset of one",
    "d": "the number of rollouts is not 32",
    "e": "the metric had other features or another weighting in the paper",
    "f": "one training seed: the interval leaves out the choice of the seed",
    "g": "the value is not from the paper itself",
}
"""Why a number is not comparable, and what else to know of it."""
_APART = frozenset("abcde")
"""Reasons that leave no verdict."""
_ROLLOUTS = 32
_WHOLE = "val full"
"""How the split begins that we score, too."""
_SCENES = 44_097
"""Of the validation split of WOMD, by which RLFTSim counts it in its Table 2."""
_FIRST_HAND = ("PAPER", "POSTER")
NOT_COMPARABLE, NOT_RESOLVED, ABOVE, BELOW = "not comparable", "not resolved", "above", "below"
UNJUDGED = "not judged"
_LEVEL = 0.95
_ENDS = {"rank_log": ("rank_low", "rank_high"), "value_error": ("error_low", "error_high")}
"""Columns that hold the interval of another."""


@dataclass(frozen=True)
class PrintedValue:
    """A published number beside ours."""

    row: str
    of: Column
    published: float
    ours: float | None
    low: float | None
    """of the 95 % interval of the difference"""
    high: float | None
    verdict: str
    reasons: str
    """letters of `REASONS`"""

    @property
    def difference(self) -> float | None:
        """Ours less the published."""
        return None if self.ours is None else self.ours - self.published


def printed_values(cells: Json, published: Published) -> Iterator[PrintedValue]:
    """All of a table, row by row, in the order of its columns."""
    for row in cells["rows"]:
        for key in cells["columns"]:
            if column(key).of_pairs:
                yield from _pairs(cells, row, key, published)
            elif row["published"]:
                value = published.value(row["published"], key)
                if value is not None:
                    ends = _interval(cells, row, key)
                    yield _value(cells, published, row, row["label"], key, value, ends)


def unmatched(cells: Json, published: Published) -> list[str]:
    """Rows of the published table that no row of ours stands for."""
    ours = {row["published"] for row in cells["rows"]}
    return [name for name in published.values if name not in ours]


def _pairs(cells: Json, row: Json, key: str, published: Published) -> Iterator[PrintedValue]:
    names = names_in_pairs(cells["rows"])
    place = cells["rows"].index(row)
    for other in range(place):
        both = frozenset({names[place], names[other]})
        value = published.pairs.get(both)
        if value is None:
            continue
        pair = row["cells"][key]["pairs"][other]
        label = f"{row['label']}, {cells['rows'][other]['label']}"
        ends = (pair["value"], pair.get("low"), pair.get("high"))
        yield _value(cells, published, row, label, key, value, ends)


Ends = tuple[float | None, float | None, float | None]
"""A value and its interval."""


def _value(
    cells: Json, published: Published, row: Json, label: str, key: str, value: float, ends: Ends
) -> PrintedValue:
    ours, low, high = ends
    reasons = _reasons(cells, published, row)
    low, high = (None if end is None else end - value for end in (low, high))
    return PrintedValue(
        label, column(key), value, ours, low, high, _verdict(reasons, low, high), reasons
    )


def _verdict(reasons: str, low: float | None, high: float | None) -> str:
    if set(reasons) & _APART:
        return NOT_COMPARABLE
    if low is None or high is None or "f" in reasons:
        return UNJUDGED
    return ABOVE if low > 0 else BELOW if high < 0 else NOT_RESOLVED


def _reasons(cells: Json, published: Published, row: Json) -> str:
    name = row["published"] or next(iter(published.values))
    facts = published.facts[name]
    trained = not row["systems"][0].startswith(UNTRAINED) and not row["imported"]
    holds = {
        "a": cells["scale"] != "paper",
        "b": cells["data"] == "synthetic",
        "c": not facts["split"].startswith(_WHOLE)
        or "train" in facts["split"]
        or cells["scenarios"] != _SCENES,
        "d": "planners" not in cells and cells["rollouts"] != _ROLLOUTS,
        "e": "V1" in published.challenge,
        "f": trained and len(row["systems"]) == 1,
        "g": facts["provenance"].partition("(")[0] not in _FIRST_HAND,
    }
    return "".join(letter for letter, true in holds.items() if true)


def _interval(cells: Json, row: Json, key: str) -> Ends:
    """A mean and its interval: the halves over seeds and over scenarios are added as squares.

    What seeds and scenarios have in common is counted twice, which a cell does not tell apart: at most
    a little wider than the interval of a difference.
    """
    cell = row["cells"][key]
    mean = cell["mean"]
    if key in _ENDS:
        low, high = (row["cells"].get(end, {}).get("mean") for end in _ENDS[key])
        return mean, low, high
    error, deviation = cell["standard_error"], cell["deviation"]
    if mean is None or error is None:
        return mean, None, None
    square = (error * _quantile(cells["scenarios"] - 1)) ** 2
    seeds = len(row["systems"])
    if deviation is not None and seeds > 1:
        square += (deviation * _quantile(seeds - 1)) ** 2 / seeds
    if isnan(square):  # of a single scenario
        return mean, None, None
    half = sqrt(square)
    return mean, mean - half, mean + half


def _quantile(freedom: int) -> float:
    return float(special.stdtrit(freedom, (1 + _LEVEL) / 2))
