"""Published against reproduced: every number, and whether the order of rows is confirmed.

Absolute values only match at the papers' own scale and data; orderings of rows may be compared at
any scale.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simagents.errors import InputError
from simagents.files import read_json, read_object
from simagents.report.apart import apart
from simagents.report.cells import sharing
from simagents.report.columns import Column, column
from simagents.report.latex import escaped
from simagents.report.orderings import (
    CONTRADICTED,
    VERDICTS,
    Ordering,
    order_of_rows,
    orderings,
)
from simagents.report.printed_values import (
    NOT_COMPARABLE,
    REASONS,
    PrintedValue,
    printed_values,
    unmatched,
)
from simagents.report.published import Published, read_published
from simagents.report.sheet import Block, Heading, Paragraph, Sheet, write_document
from simagents.report.sheet import Column as Sheeted

Json = dict[str, Any]


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
    out_tex: Path
    """LaTeX, for the appendix"""
    out_html: Path


def main(args: Args) -> None:
    """Write the comparison."""
    tables = {path.stem: read_json(path) for path in args.cells}
    files = read_object(args.files, "--files", dict)
    compared = {
        name: (cells, published_of(name, cells, args.published, files))
        for name, cells in tables.items()
        if any(row["published"] for row in cells["rows"])
    }
    ordered = {
        name: list(orderings(*both)) for name, both in compared.items() if not _of_pairs(both[0])
    }
    values = {name: list(printed_values(*both)) for name, both in compared.items()}
    reasons = sorted({apart(cells["scale"], cells["data"]) for cells in tables.values()})
    blocks = [*_head(", ".join(filter(None, reasons))), *_summary(ordered, values)]
    for name, both in compared.items():
        blocks += section(name, *both, values[name], ordered.get(name))
    write_document("Published against reproduced", blocks, args.out, args.out_tex, args.out_html)


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


def section(
    name: str,
    cells: Json,
    published: Published,
    values: list[PrintedValue],
    ordered: list[Ordering] | None,
) -> list[Block]:
    """One table's part of the comparison. `ordered` is None where it compares rows with one another."""
    of = column(published.compared)
    named = [row["published"] for row in cells["rows"] if row["published"]]
    facts = (
        f"Published: {published.source(named)}; {published.provenance(named)}. Reproduced: "
        f"{cells['data']} data, {_measured(cells)}, seeds: {cells['seeds']}."
    )
    blocks: list[Block] = [
        Heading(name.replace("_", " ")),
        Paragraph(escaped(" ".join(filter(None, [facts, sharing(cells)])))),
        *_values(published, values),
    ]
    if left := unmatched(cells, published):
        blocks.append(
            Paragraph(
                escaped(f"Published rows that none of ours stands for here: {', '.join(left)}.")
            )
        )
    if ordered is None:
        return blocks
    count = Counter(ordering.verdict for ordering in ordered)
    counted = ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS if count[verdict])
    blocks.append(
        Paragraph(
            f"Order of the rows by {of.title}: {order_of_rows(cells, published)}. {len(ordered)} published "
            f"orderings of two rows: {counted or 'none'}."
        )
    )
    if ordered:
        lines = [_ordering_line(ordering, of) for ordering in ordered]
        blocks.append(Sheet(_ORDERINGS, lines))
    return blocks


_VALUES = [
    Sheeted("row", "words", 0.17), Sheeted("quantity", "words", 0.12), Sheeted("published"), Sheeted("ours"),
    Sheeted("difference"), Sheeted("95 % interval"), Sheeted("verdict", "name"), Sheeted("reason", "name"),
]  # fmt: skip
_ORDERINGS = [
    Sheeted("the paper puts", "words", 0.22), Sheeted("above", "words", 0.22), Sheeted("by"),
    Sheeted("ours"), Sheeted("95 % interval"), Sheeted("p (Holm)"), Sheeted("verdict", "name"),
]  # fmt: skip


def _measured(cells: Json) -> str:
    """On what."""
    if all(column(key).of_planners for key in cells["columns"]):
        return f"{cells['planners']['planners']} planners in {cells['planners']['scenes']} scenes"
    return (
        f"{cells['scenarios']} scenarios, {cells['rollouts']} rollouts, metric of WOSAC"
        f" {cells['challenge']}"
    )


def _values(published: Published, values: list[PrintedValue]) -> list[Block]:
    if values:
        return [Sheet(_VALUES, list(map(_value_line, values)))]
    chosen = f"; the paper chose {published.chosen}" if published.chosen else ""
    return [Paragraph(escaped(f"The published values were not found{chosen}."))]


def _value_line(value: PrintedValue) -> list[str]:
    of = value.of
    return [
        value.row,
        escaped(of.heading),
        of.format(value.published),
        of.format(value.ours),
        _signed(value.difference, of),
        _ends(value.low, value.high, of),
        value.verdict,
        value.reasons,
    ]


def _signed(value: float | None, of: Column) -> str:
    return "n/a" if value is None else f"{value * of.factor:+.{of.decimals}f}"


def _ends(low: float | None, high: float | None, of: Column) -> str:
    return "n/a" if low is None or high is None else f"[{_signed(low, of)}, {_signed(high, of)}]"


def _ordering_line(ordering: Ordering, of: Column) -> list[str]:
    return [
        ordering.better,
        ordering.worse,
        "in words" if ordering.published is None else of.format(ordering.published),
        _signed(ordering.reproduced, of),
        _ends(ordering.low, ordering.high, of),
        "n/a" if ordering.p is None else column("p").format(ordering.p),
        ordering.verdict,
    ]


def _summary(
    ordered: dict[str, list[Ordering]], values: dict[str, list[PrintedValue]]
) -> list[Block]:
    """All tables in one: how many orderings got which verdict, and which are seen the other way."""
    columns = [
        Sheeted("table", "words", 0.24),
        Sheeted("numbers"),
        Sheeted("comparable"),
        Sheeted("orderings"),
    ]
    sheet = Sheet([*columns, *map(Sheeted, VERDICTS)])
    for name, printed in values.items():
        pairs = ordered.get(name, [])
        count = Counter(ordering.verdict for ordering in pairs)
        comparable = sum(value.verdict != NOT_COMPARABLE for value in printed)
        numbers = (len(printed), comparable, len(pairs), *(count[verdict] for verdict in VERDICTS))
        sheet.lines.append([name.replace("_", " "), *map(str, numbers)])
    against = [
        f"{name.replace('_', ' ')}: {ordering.better} is not above {ordering.worse}, but below."
        for name, pairs in ordered.items()
        for ordering in pairs
        if ordering.verdict == CONTRADICTED
    ]
    contradicted = [Paragraph(f"Contradicted: {' '.join(against)}")] if against else []
    return [Heading("In short"), sheet, *contradicted]


def _head(reasons: str) -> list[Block]:
    warning = (
        Paragraph(
            f"{reasons}. Reproduced values are not comparable with published ones; only "
            "the order of rows is of interest, and only where it is resolved.",
            warning=True,
        )
        if reasons
        else Paragraph(
            "Scale: paper, data: womd. Whether values may be compared depends on split and metric as well."
        )
    )
    letters = "; ".join(f"({letter}) {reason}" for letter, reason in REASONS.items())
    return [
        warning,
        Paragraph(
            "Numbers: the difference is ours less the published value, the interval that of our value over "
            "seeds and scenarios, from the published one on. A number is not resolved from the published one where "
            "this interval includes zero, and above or below it elsewhere. It is not comparable for any of "
            f"the reasons a to e, and not judged without an interval or with one training seed. Reasons: {letters}."
        ),
        Paragraph(
            "Orderings: intervals are at 95 %, of differences on the same scenarios, over training seeds and "
            "scenarios together; with one seed they cover scenarios alone, and the ordering is not judged. A "
            "verdict needs p below 0.05 after Holm's correction for the orderings of its table. In "
            "words: we know the row that the paper chose, and not its values."
        ),
    ]
