"""Generated documents of text and sheets of words and numbers, as Markdown, HTML and LaTeX.

A document is a list of blocks in the order in which they are read. Text is LaTeX with mathematics
between dollars, as labels of the configuration are; what is not comes through `escaped`.
"""

import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from simagents.files import replacing
from simagents.report.latex import signs, wording
from simagents.report.page import html_wording, page


@dataclass(frozen=True)
class Heading:
    """Of a part of the document."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Column:
    """Of a sheet."""

    title: str
    kind: str = "number"
    """number: at the right, with a minus where the text has a hyphen; name: at the left; words: at the
    left, over several lines where there are many"""
    width: float = 0.0
    """of words, as a share of the line in print"""


@dataclass(frozen=True)
class Sheet:
    """Lines of cells under headings."""

    columns: list[Column]
    lines: list[list[str]] = field(default_factory=list)


Block = Heading | Paragraph | Sheet


def write_document(
    title: str, blocks: list[Block], out: Path, tex: Path | None, html: Path
) -> None:
    """The files, of which LaTeX is left out for what is not in the paper.

    The title is a heading of Markdown and HTML; the paper has one of its own.
    """
    texts = {out: markdown_of(title, blocks), html: html_of(title, blocks)}
    if tex is not None:
        texts[tex] = latex_of(blocks)
    for path, text in texts.items():
        with replacing(path) as temporary:
            temporary.write_text(text)


# ---- Markdown ------------------------------------------------------------------------------------


def markdown_of(title: str, blocks: list[Block]) -> str:
    """Mathematics stays between dollars."""
    text = "\n\n".join([f"# {title}", *map(_markdown, blocks)]) + "\n"
    return re.sub(r"\\([%&#_])", r"\1", text)


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Paragraph):
        return f"**{block.text}**" if block.warning else block.text
    rules = ["---:" if column.kind == "number" else "---" for column in block.columns]
    lines = [[column.title for column in block.columns], rules, *block.lines]
    return "\n".join(map(markdown_line, lines))


def markdown_line(cells: list[str]) -> str:
    """A line of a table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


# ---- HTML ----------------------------------------------------------------------------------------


def html_of(title: str, blocks: list[Block]) -> str:
    """One page."""
    body = "\n".join([f"<h1>{escape(title)}</h1>", *map(_html, blocks)])
    return page(title, body)


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html_wording(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        marked = ' class="warning"' if block.warning else ' class="note"'
        return f"<p{marked}>{html_wording(block.text)}</p>"
    heads = "".join(
        f"<th{_class(column)}>{html_wording(column.title)}</th>" for column in block.columns
    )
    lines = "\n".join(
        f"<tr>{''.join(map(_html_cell, line, block.columns))}</tr>" for line in block.lines
    )
    return f'<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table></div>'


def _class(column: Column) -> str:
    return "" if column.kind == "number" else ' class="words"'


def _html_cell(text: str, column: Column) -> str:
    shown = escape(text.replace("-", "−")) if column.kind == "number" else html_wording(text)
    return f"<td{_class(column)}>{shown}</td>"


# ---- LaTeX ---------------------------------------------------------------------------------------


def latex_of(blocks: list[Block]) -> str:
    """Sections without numbers, and sheets that break over pages with their headings repeated."""
    return "% Written by the workflow; do not edit.\n" + "\n".join(map(_latex, blocks)) + "\n"


def _latex(block: Block) -> str:
    if isinstance(block, Heading):
        name = "subsection" if block.level == 2 else "subsubsection"
        return rf"\{name}*{{{wording(block.text)}}}"
    if isinstance(block, Paragraph):
        text = wording(block.text)
        return (rf"\textcolor{{red}}{{{text}}}" if block.warning else text) + "\n"
    heads = " & ".join(wording(column.title) for column in block.columns) + r" \\"
    lines = [" & ".join(map(_latex_cell, line, block.columns)) + r" \\" for line in block.lines]
    return "\n".join(
        [
            r"{\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{@{{}}{''.join(map(_latex_column, block.columns))}@{{}}}}",
            rf"\toprule {heads} \midrule \endfirsthead",
            rf"\toprule {heads} \midrule \endhead",
            r"\bottomrule \endfoot",
            *lines,
            r"\end{longtable}}",
        ]
    )


def _latex_column(column: Column) -> str:
    if column.kind == "words":
        return rf">{{\raggedright\arraybackslash}}p{{{column.width:g}\linewidth}}"
    return "r" if column.kind == "number" else "l"


def _latex_cell(text: str, column: Column) -> str:
    return signs(wording(text)) if column.kind == "number" else wording(text)
