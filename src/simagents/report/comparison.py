"""Published against reproduced, as Markdown: numbers, and whether the order of rows is confirmed.

Absolute values only match at the papers' own scale and data. Orderings may be compared at any
scale, so each published ordering of two rows gets a verdict: confirmed or contradicted where our
difference has a p value below 5 % after Holm's correction for the number of orderings of the table,
not resolved elsewhere. Intervals and p values cover seeds and scenarios together; one training seed
says nothing about training, so it gives no verdict. Where a paper names its best row in its text
and prints no values, that row above each other one is what it orders, and is marked as such.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

from simagents.differences import holm
from simagents.errors import InputError
from simagents.files import read_json, read_object, replacing
from simagents.report.cells import sharing
from simagents.report.columns import Column, column
from simagents.report.pairs import ONE_SEED
from simagents.report.published import Published, read_published

Json = dict[str, Any]

CONFIRMED, CONTRADICTED, UNRESOLVED = "confirmed", "contradicted", "not resolved"
UNJUDGED = "one seed: not judged"
VERDICTS = (CONFIRMED, CONTRADICTED, UNRESOLVED, UNJUDGED)
SIGNIFICANT = 0.05
"""Largest adjusted p value of a verdict."""


@dataclass
class Args:
    """Compare the reproduced tables with the published ones."""

    cells: list[Path]
    """of every table, from `simagents cells`; those without published rows are passed over"""
    published: Path
    """folder of published tables (.csv)"""
    files: str
    """JSON: {table: name of its published table}"""
    out: Path
    """Markdown"""


@dataclass(frozen=True)
class Ordering:
    """Two rows that the paper orders, and what our scores say about it."""

    better: str
    worse: str
    published: float | None
    """the paper's difference; None where its text names the best row without values"""
    reproduced: float | None
    """ours, on the same scenarios"""
    low: float | None
    high: float | None
    p: float | None
    """of our difference, adjusted for the number of the table's orderings"""
    verdict: str


def main(args: Args) -> None:
    """Write the comparison."""
    tables = {path.stem: read_json(path) for path in args.cells}
    files = read_object(args.files, "--files", dict)
    compared = {
        name: (cells, published_of(name, cells, args.published, files))
        for name, cells in tables.items()
        if any(row["published"] for row in cells["rows"]) and not _of_pairs(cells)
    }
    ordered = {name: list(orderings(*both)) for name, both in compared.items()}
    sections = [section(name, *both, ordered[name]) for name, both in compared.items()]
    scales = sorted({cells["scale"] for cells in tables.values()})
    with replacing(args.out) as temporary:
        temporary.write_text("\n".join([*_head(scales), *_summary(ordered), *sections]))


def _of_pairs(cells: Json) -> bool:
    """Whether it compares its rows with one another, beside published values of its own."""
    return any(column(key).of_pairs for key in cells["columns"])


def published_of(name: str, cells: Json, folder: Path, files: Mapping[str, str]) -> Published:
    """The published table beside which these cells stand.

    Raises InputError where the table names none, where it lacks one of the rows, and where its
    metric is of another year than the cells'.
    """
    if name not in files:
        raise InputError(f"--files: {name} has published rows and no published table; name it.")
    published = read_published(folder / f"{files[name]}.csv")
    published.require_challenge(cells["challenge"])
    for row in cells["rows"]:
        if row["published"]:
            published.value(row["published"])
    return published


def section(name: str, cells: Json, published: Published, ordered: list[Ordering]) -> str:
    """One table's part of the comparison."""
    of = column(published.compared)
    named = [row["published"] for row in cells["rows"] if row["published"]]
    lines = [
        f"## {name}",
        "",
        f"Published: {published.source(named)}, provenance {published.provenance(named)}. Reproduced: "
        f"{cells['data']} data, {cells['scenarios']} scenarios, {cells['rollouts']} rollouts, "
        f"metric of WOSAC {cells['challenge']}, seeds: {cells['seeds']}. Compared by: {of.title}.",
        *filter(None, [sharing(cells)]),
        "",
        "| row | published | reproduced | standard error | difference |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in cells["rows"]:
        printed = published.value(row["published"]) if row["published"] else None
        cell = _compared(row, published)
        both = printed is not None and cell["mean"] is not None
        difference = f"{cell['mean'] - printed:+.{of.decimals}f}" if both else "n/a"
        lines.append(
            f"| {row['label']} | {of.format(printed)} | {of.format(cell['mean'])} "
            f"| {of.format(cell['standard_error'])} | {difference} |"
        )
    count = Counter(ordering.verdict for ordering in ordered)
    counted = ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS if count[verdict])
    lines += [
        "",
        f"Order of the rows by their means: {_order(cells, published)}. {len(ordered)} published "
        f"orderings of two rows: {counted or 'none'}.",
        "",
        "| the paper puts | above | by | reproduced | 95 % interval | p (Holm) | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
        *(_ordering_line(ordering, of) for ordering in ordered),
        "",
    ]
    return "\n".join(lines)


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


def _order(cells: Json, published: Published) -> str:
    rows = [row for row in cells["rows"] if row["published"]]
    if any(
        _compared(row, published)["mean"] is None or published.value(row["published"]) is None
        for row in rows
    ):
        return "not known for all rows"
    by_scores = sorted(rows, key=lambda row: _compared(row, published)["mean"])
    as_published = sorted(rows, key=lambda row: published.value(row["published"]))
    return "the published one" if by_scores == as_published else "not the published one"


def _compared(row: Json, published: Published) -> Json:
    """Raises InputError for a table that does not show the quantity that papers publish."""
    if published.compared not in row["cells"]:
        raise InputError(
            f"{row['label']}: the table needs the column `{published.compared}` to be compared."
        )
    return row["cells"][published.compared]


def _ordering_line(ordering: Ordering, of: Column) -> str:
    mean, low, high = (
        "n/a" if value is None else f"{value:+.{of.decimals}f}"
        for value in (ordering.reproduced, ordering.low, ordering.high)
    )
    gap = "in words" if ordering.published is None else of.format(ordering.published)
    p = "n/a" if ordering.p is None else f"{ordering.p:.3f}"
    return (
        f"| {ordering.better} | {ordering.worse} | {gap} | {mean} | [{low}, {high}] | {p} "
        f"| {ordering.verdict} |"
    )


def _summary(ordered: dict[str, list[Ordering]]) -> list[str]:
    """All tables in one: how many orderings got which verdict, and which are seen the other way."""
    lines = [
        "## In short",
        "",
        f"| table | orderings | {' | '.join(VERDICTS)} |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, pairs in ordered.items():
        count = Counter(ordering.verdict for ordering in pairs)
        numbers = (len(pairs), *(count[verdict] for verdict in VERDICTS))
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    against = [
        f"- {name}: {ordering.better} is not above {ordering.worse}, but below."
        for name, pairs in ordered.items()
        for ordering in pairs
        if ordering.verdict == CONTRADICTED
    ]
    return [*lines, "", *(["Contradicted:", "", *against, ""] if against else [])]


def _head(scales: list[str]) -> list[str]:
    scale = ", ".join(scales)
    warning = (
        "Scale: paper. Whether values may be compared depends on data, split and metric as well."
        if scales == ["paper"]
        else f"**Scale: {scale}. Reproduced values are not comparable with published ones; only "
        "the order of rows is of interest, and only where it is resolved.**"
    )
    return [
        "# Published against reproduced",
        "",
        warning,
        "",
        "Intervals are at 95 %, of differences on the same scenarios, over training seeds and "
        "scenarios together; with one seed they cover scenarios alone, and no verdict follows. A "
        "verdict needs p below 0.05 after Holm's correction for the orderings of its table. `in "
        "words`: the paper's text names its best row and prints no values.",
        "",
    ]
