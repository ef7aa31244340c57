"""Cells -> one table, as LaTeX for the paper and as Markdown for everything else.

Numbers come from the cells, wording from the configuration, published values from a file. What is
written depends on nothing else, no commit and no date, so the same cells give the same bytes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from simagents.errors import InputError
from simagents.files import read_json, replacing
from simagents.report.columns import Column, column
from simagents.report.latex import escaped, wording
from simagents.report.published import Published, read_published
from simagents.report.rows import read_object

Json = dict[str, Any]

NO_CONTESTANT = "baseline-log"
"""The log is a ceiling: it is never the best of a column."""


@dataclass
class Args:
    """Typeset the cells of a table."""

    cells: Annotated[Path, tyro.conf.Positional]
    """from `simagents cells`; the table bears the file's name"""
    caption: str
    """LaTeX"""
    out_tex: Path
    out_md: Path
    labels: str = ""
    """JSON list of LaTeX labels, one per row; empty: as in the cells"""
    published: str = ""
    """CSV of the published table; empty where there is none"""
    template: Path = Path("paper/templates/table.tex.j2")


@dataclass(frozen=True)
class Cell:
    """A number as it is printed."""

    text: str
    error: str | None
    """its standard error"""
    best: bool


@dataclass(frozen=True)
class Line:
    """A row as it is printed."""

    label: str
    cells: list[Cell]
    published: str | None
    """None where the table shows no published column"""
    deviation: str | None
    """over seeds, of the first column; None where no row has several"""
    runs: list[str]


def main(args: Args) -> None:
    """Write both files."""
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
    environment.filters["number"] = number
    content = layout(args.cells.stem, cells, args.caption, labels, published)
    with replacing(args.out_tex) as temporary:
        temporary.write_text(environment.get_template(args.template.name).render(content))
    with replacing(args.out_md) as temporary:
        temporary.write_text(markdown(content))


def layout(
    name: str, cells: Json, caption: str, labels: list[str] | None, published: Published | None
) -> Json:
    """All that a table says, as text, by the names the template uses.

    Raises InputError where the number of labels is not that of the rows, where a published row is
    not in the published table, and where the published metric is of another year.
    """
    rows, columns = cells["rows"], {key: column(key) for key in cells["columns"]}
    labels = labels or [row["label"] for row in rows]
    if len(labels) != len(rows):
        raise InputError(f"--labels: {len(labels)} labels for the {len(rows)} rows of {name}.")
    if published:
        published.require_challenge(cells["challenge"])
    best = {key: _best(rows, key, columns[key]) for key in columns}
    first = next(iter(columns))
    lines = [
        Line(
            label=label,
            cells=[_cell(row, key, columns[key], best[key]) for key in columns],
            published=_published_value(row, published) if published else None,
            deviation=_deviation(row, first, columns[first]) if cells["seeds"] > 1 else None,
            runs=row["systems"],
        )
        for row, label in zip(rows, labels, strict=True)
    ]
    return {
        "name": name,
        "caption": caption,
        "scale": cells["scale"],
        "cells": cells,
        "columns": list(columns.values()),
        "rows": lines,
        "published": published is not None,
        "seeds": cells["seeds"] > 1,
        "notes": _notes(cells, published),
        "wording": wording,
        "escaped": escaped,
    }


def number(cell: Cell) -> str:
    """`0.7720 ± .0031` in LaTeX, the error small, the best of its column bold."""
    text = rf"\textbf{{{cell.text}}}" if cell.best else cell.text
    return text if cell.error is None else rf"{text}{{\scriptsize\,$\pm$\,{cell.error}}}"


def markdown(content: Json) -> str:
    """The same table for a web page: mathematics in labels stays between dollars."""
    arrows = {True: " ↑", False: " ↓", None: ""}
    heads = [f"{column.heading}{arrows[column.higher]}" for column in content["columns"]]
    if content["seeds"]:
        heads.insert(1, "σ seeds")
    if content["published"]:
        heads.insert(1, "published")
    lines = [[row.label, *_markdown_cells(row)] for row in content["rows"]]
    warning = (
        []
        if content["scale"] == "paper"
        else [f"**Scale: {content['scale']}; not comparable with published numbers.**", ""]
    )
    return "\n".join(
        [
            content["caption"],
            "",
            *warning,
            _markdown_line(["", *heads]),
            _markdown_line(["---", *["---:"] * len(heads)]),
            *map(_markdown_line, lines),
            "",
            " ".join(content["notes"]),
            "",
        ]
    )


def _markdown_cells(row: Line) -> list[str]:
    texts = []
    for cell in row.cells:
        text = f"**{cell.text}**" if cell.best else cell.text
        texts.append(text if cell.error is None else f"{text} ± {cell.error}")
    extra = [text for text in (row.published, row.deviation) if text is not None]
    return [texts[0], *extra, *texts[1:]]


def _markdown_line(texts: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", r"\|") for text in texts) + " |"


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
    text = of.format(cell["mean"])
    error = cell["standard_error"]
    contends = NO_CONTESTANT not in row["systems"]
    return Cell(text, None if error is None else of.format_error(error), contends and text == best)


def _deviation(row: Json, key: str, of: Column) -> str:
    deviation = row["cells"][key]["deviation"]
    return "–" if deviation is None else of.format_error(deviation)


def _published_value(row: Json, published: Published) -> str:
    if row["published"] is None:
        return "–"
    return column("metametric").format(published.value(row["published"]))


def _notes(cells: Json, published: Published | None) -> list[str]:
    """Sentences under the table: what was measured, what ± means, whence published values."""
    notes = [
        f"{cells['data'].upper() if cells['data'] == 'womd' else cells['data'].capitalize()} data, "
        f"metric of WOSAC {cells['challenge']}, {_count(cells['scenarios'], 'scenario')}, "
        f"{_count(cells['rollouts'], 'rollout')} each, {_count(cells['seeds'], 'training seed')}.",
        "± is the standard error over scenarios. Bold is the best number of its column"
        + (
            ", the log aside."
            if any(NO_CONTESTANT in row["systems"] for row in cells["rows"])
            else "."
        ),
    ]
    if cells["seeds"] > 1:
        notes.append("σ is the deviation over training seeds, where a row has several.")
    undefined = max(c["undefined"] for row in cells["rows"] for c in row["cells"].values())
    if undefined:
        notes.append(
            f"n/a: not defined on up to {_count(undefined, 'scenario')}, hence no mean over all."
        )
    return notes + (_published_notes(cells, published) if published else [])


def _published_notes(cells: Json, published: Published) -> list[str]:
    notes = [
        f"Published: {published.paper}, Table {published.table}, {published.split}, metric of "
        f"WOSAC {published.challenge}, realism only; provenance {published.provenance}."
    ]
    named = [row["published"] for row in cells["rows"] if row["published"]]
    other = {row: published.second_source[row] for row in named if row in published.second_source}
    if other:
        values = ", ".join(f"{value:.4f} ({row})" for row, value in other.items())
        both = [row for row in named if published.value(row) is not None]
        ours = sorted(both, key=lambda row: published.value(row))
        theirs = sorted(both, key=lambda row: other.get(row, published.value(row)))
        order = "the same order" if ours == theirs else "another order"
        notes.append(
            f"A second source, a summary of the paper, prints other values in {order}: {values}."
        )
    return notes


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
