"""Orderings of two rows that a paper publishes, and whether our scores confirm them.

They may be compared at any scale, so each gets a verdict: confirmed or contradicted where our
difference has a p value below 5 % after Holm's correction for the number of orderings of the table,
not resolved elsewhere. Intervals and p values cover seeds and scenarios together; one training seed
says nothing about training, so it gives no verdict. Where we know the row that a paper chose
and not its values, that row above each other one is what it orders, and is marked as such.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import isnan, nan
from typing import Any

from simagents.differences import holm
from simagents.errors import InputError
from simagents.report.pairs import ONE_SEED
from simagents.report.printed_values import UNJUDGED
from simagents.report.published import Published

Json = dict[str, Any]

CONFIRMED, CONTRADICTED, UNRESOLVED = "confirmed", "contradicted", "not resolved"
VERDICTS = (CONFIRMED, CONTRADICTED, UNRESOLVED, UNJUDGED)
SIGNIFICANT = 0.05
"""Largest adjusted p value of a verdict."""


@dataclass(frozen=True)
class Ordering:
    """Two rows that the paper orders, and what our scores say about it."""

    better: str
    worse: str
    published: float | None
    """the paper's difference; None where we know the best row alone"""
    reproduced: float | None
    """ours, on the same scenarios"""
    low: float | None
    high: float | None
    p: float | None
    """of our difference, adjusted for the number of the table's orderings"""
    verdict: str


def orderings(cells: Json, published: Published) -> Iterator[Ordering]:
    """Every pair of rows that the paper orders; equal or unknown published values order nothing."""
    rows = cells["rows"]
    ordered = [
        (difference, gap)
        for difference in cells["differences"][published.compared]
        if (gap := published.gap(*(rows[difference[end]]["published"] for end in ("row", "to"))))
    ]
    # Where no verdict can follow, an ordering does not count as one of the table's tests.
    tests = [nan if _unjudged(difference) else difference["p"] for difference, _ in ordered]
    for (difference, gap), p in zip(ordered, holm(tests), strict=True):
        a, b = rows[difference["row"]], rows[difference["to"]]
        mean, low, high = (difference[key] for key in ("mean", "low", "high"))
        if gap < 0:  # the difference is that of a over b, and the paper has b above a
            a, b = b, a
            mean, low, high = (None if end is None else -end for end in (mean, high, low))
        yield Ordering(
            better=a["label"],
            worse=b["label"],
            published=abs(gap) if published.has_values else None,
            reproduced=mean,
            low=low,
            high=high,
            p=None if isnan(p) else p,
            verdict=_verdict(difference, mean, p),
        )


def _unjudged(difference: Json) -> bool:
    return difference["covers"] == ONE_SEED or difference["p"] is None


def _verdict(difference: Json, mean: float | None, p: float) -> str:
    if difference["covers"] == ONE_SEED:
        return UNJUDGED
    if isnan(p) or p >= SIGNIFICANT:
        return UNRESOLVED
    return CONFIRMED if mean > 0 else CONTRADICTED


def order_of_rows(cells: Json, published: Published) -> str:
    """Whether all published rows come in the published order, in words.

    Raises InputError for a table that does not show the quantity that papers publish.
    """
    rows = [row for row in cells["rows"] if row["published"]]
    if len(rows) == 1:
        return "known for one row only"
    if any(
        _compared(row, published)["mean"] is None or published.value(row["published"]) is None
        for row in rows
    ):
        return "not known for all rows"
    values = [
        (published.value(row["published"]), _compared(row, published)["mean"]) for row in rows
    ]
    same = all(
        (theirs - others) * (ours - of_other) > 0
        for (theirs, ours), (others, of_other) in combinations(values, 2)
        if theirs != others  # the paper orders no rows that it prints as equal
    )
    return "the published one" if same else "not the published one"


def _compared(row: Json, published: Published) -> Json:
    if published.compared not in row["cells"]:
        raise InputError(
            f"{row['label']}: the table needs the column `{published.compared}` to be compared."
        )
    return row["cells"][published.compared]
