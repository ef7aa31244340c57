"""Cells -> one table, as LaTeX for the paper, as HTML for the report and as Markdown for everything else.

Numbers come from the cells, wording from the configuration, published values from a file. What is
written depends on nothing else, no commit and no date, so the same cells give the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from simagents.errors import InputError
from simagents.files import read_json, read_object, replacing
from simagents.report.apart import apart
from simagents.report.columns import Column, column
from simagents.report.latex import escaped, wording
from simagents.report.notes import notes_of
from simagents.report.printed import NOTHING, Cell, Head, Line
from simagents.report.published import LOG, Published, names_in_pairs, read_published
from simagents.report.rows import NO_CONTESTANT
from simagents.report.table_html import html
from simagents.report.table_latex import floats, heading, number
from simagents.report.table_markdown import markdown

Json = dict[str, Any]


@dataclass
class Args:
    """Typeset the cells of a table."""

    cells: Annotated[Path, tyro.conf.Positional]
    """from `simagents cells`; the table bears the file's name"""
    caption: str
    """LaTeX"""
    out_tex: Path
    out_md: Path
    out_html: Path
    labels: str = ""
    """JSON list of LaTeX labels, one per row; empty: as in the cells"""
    published: str = ""
    """CSV of the published table; empty where there is none"""
    literature: tuple[str, ...] = ()
    """rows of the published table that are shown whole under ours, in place of a column beside"""
    transposed: bool = False
    """rows side by side, columns one below the other"""
    template: Path = Path("paper/templates/table.tex.j2")


def main(args: Args) -> None:
    """Write the three files."""
    cells = read_json(args.cells)
    labels = read_object(args.labels, "--labels", list) if args.labels else None
    published = read_published(Path(args.published)) if args.published else None
    environment = Environment(
        loader=FileSystemLoader(args.template.parent),
        undefined=StrictUndefined,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"number": number, "heading": heading}
    content = layout(
        args.cells.stem, cells, args.caption, labels, published, args.literature, args.transposed
    )
    with replacing(args.out_tex) as temporary:
        temporary.write_text(environment.get_template(args.template.name).render(content))
    with replacing(args.out_md) as temporary:
        temporary.write_text(markdown(content))
    with replacing(args.out_html) as temporary:
        temporary.write_text(html(content))


def layout(
    name: str,
    cells: Json,
    caption: str,
    labels: list[str] | None,
    published: Published | None,
    literature: tuple[str, ...],
    transposed: bool,
) -> Json:
    """All that a table says, as text, by the names the template uses.

    Raises InputError where the number of labels is not that of the rows, where a published row is
    not in the published table, and where the published metric is of another year.
    """
    rows, columns = cells["rows"], {key: column(key) for key in cells["columns"]}
    labels = labels or [row["label"] for row in rows]
    if len(labels) != len(rows):
        raise InputError(f"--labels: {len(labels)} labels for the {len(rows)} rows of {name}.")
    if not literature and not any(row["published"] for row in rows):
        published = None  # a scale may show none of the paper's rows
    if published:
        published.require_challenge(cells["challenge"])
    beside = published if published and published.has_values and not literature else None
    if any(of.of_pairs for of in columns.values()):
        labels = [f"{number} {label}" for number, label in enumerate(labels, start=1)]
    by_key = {key: list(_columns(rows, key, of, beside, cells)) for key, of in columns.items()}
    columns_of = [pair for pairs in by_key.values() for pair in pairs]
    lines = [
        Line(Head(label), [contents[place] for _, contents in columns_of], (*row["systems"],))
        for place, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]
    below = [
        Line(Head(row, published=True), [*_of_literature(published, row, by_key)])
        for row in literature
        if published
    ]
    heads, comments = [head for head, _ in columns_of], []
    if transposed:
        comments = [f"{line.head.title}: {' '.join(line.runs)}" for line in lines]
        heads, lines = (
            [line.head for line in lines],
            [Line(head, contents) for head, contents in columns_of],
        )
    return {
        "name": name,
        "caption": caption,
        "apart": apart(cells["scale"], cells["data"]),
        "cells": cells,
        "heads": heads,
        "lines": lines,
        "below": below,
        "floats": floats(heads, lines, below),
        "comments": comments,
        "notes": notes_of(cells, published, literature, transposed),
        "wording": wording,
        "escaped": escaped,
    }


def _columns(
    rows: list[Json], key: str, of: Column, published: Published | None, cells: Json
) -> Iterator[tuple[Head, list[Cell]]]:
    """A quantity, with what belongs beside it: published values, and deviations over seeds."""
    if of.of_pairs:
        yield from _pair_columns(rows, key, of, published)
        return
    arrow = {True: "up", False: "down", None: ""}[of.higher]
    best = _best(rows, key, of)
    yield (
        Head(escaped(of.heading), arrow, attached=of.attached),
        [_cell(row, key, of, best) for row in rows],
    )
    if published and key in published.beside:
        printed = [
            _printed(published, row["published"], key)
            if row["published"]
            else Cell(NOTHING, published=True)
            for row in rows
        ]
        yield Head("published", published=True, attached=True), printed
    if key == cells["columns"][0] and cells["seeds"] > 1:
        yield Head(r"$\sigma$", attached=True), [Cell(_deviation(row, key, of)) for row in rows]


def _pair_columns(
    rows: list[Json], key: str, of: Column, published: Published | None
) -> Iterator[tuple[Head, list[Cell]]]:
    """A column for every row, by its number: ours above the diagonal and on it, the paper's below."""
    names = names_in_pairs(rows)
    for name in names:
        if published and name not in (LOG, None):
            published.value(name)  # which raises where there is no such row
    for column_number in range(len(rows)):
        contents = []
        for row_number, row in enumerate(rows):
            pair = row["cells"][key]["pairs"][column_number]
            text = of.format(pair["value"])
            if row_number > column_number:
                names_of = frozenset({names[row_number], names[column_number]})
                value = published.pairs.get(names_of) if published else None
                text = NOTHING if value is None else of.format(value)
                contents.append(Cell(text if published else "", published=True))
            elif row_number == column_number:
                contents.append(Cell(NOTHING if pair["value"] is None else text))
            elif pair["value"] is None:
                contents.append(Cell(text))
            else:
                ends = ", ".join(of.format(pair[end]) for end in ("low", "high"))
                contents.append(Cell(text, interval=f"[{ends}]"))
        yield Head(str(column_number + 1)), contents


def _printed(published: Published, row: str, key: str) -> Cell:
    value = published.value(row, key)
    return Cell(NOTHING if value is None else column(key).format(value), published=True)


def _of_literature(
    published: Published, row: str, by_key: dict[str, list[tuple[Head, list[Cell]]]]
) -> Iterator[Cell]:
    """A published row whole; what stands beside our own numbers, the deviation over seeds, it has not."""
    for key, (_, *beside) in by_key.items():
        yield _printed(published, row, key)
        yield from (Cell(NOTHING, published=True) for _ in beside)


def _best(rows: list[Json], key: str, of: Column) -> str | None:
    """The best number of a column as it is printed, so that equals in print are equals.

    None where there is one row, and where more is neither better nor worse.
    """
    if of.higher is None:
        return None
    means = [
        row["cells"][key]["mean"]
        for row in rows
        if NO_CONTESTANT not in row["systems"] and row["cells"][key]["mean"] is not None
    ]
    return of.format(max(means) if of.higher else min(means)) if len(means) > 1 else None


def _cell(row: Json, key: str, of: Column, best: str | None) -> Cell:
    cell = row["cells"][key]
    of_log = of.of_planners and NO_CONTESTANT in row["systems"]  # it is not compared with itself
    if (of.of_history or of.of_difference or of_log) and cell["mean"] is None:
        return Cell(NOTHING)
    text = of.format(cell["mean"])
    error = cell["standard_error"]
    contends = NO_CONTESTANT not in row["systems"]
    return Cell(text, None if error is None else of.format_error(error), contends and text == best)


def _deviation(row: Json, key: str, of: Column) -> str:
    deviation = row["cells"][key]["deviation"]
    return NOTHING if deviation is None else of.format_error(deviation)
