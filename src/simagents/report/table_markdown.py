"""Lines of a table -> Markdown."""

from typing import Any

from simagents.report.printed import Cell, Head
from simagents.report.sheet import markdown_line


def markdown(content: dict[str, Any]) -> str:
    """The same table for people without LaTeX: mathematics in labels stays between dollars."""
    lines = [
        [_heading(line.head), *map(_cell, line.cells)]
        for line in (*content["lines"], *content["below"])
    ]
    heads = list(map(_heading, content["heads"]))
    apart = content["apart"]
    warning = [f"**{apart}; not comparable with published numbers.**", ""] if apart else []
    return "\n".join(
        [
            content["caption"],
            "",
            *warning,
            markdown_line(["", *heads]),
            markdown_line(["---", *["---:"] * len(heads)]),
            *map(markdown_line, lines),
            "",
            " ".join(content["notes"]),
            "",
        ]
    )


def _heading(head: Head) -> str:
    title = head.title.replace(r"\%", "%")
    arrow = {"up": " ↑", "down": " ↓", "": ""}[head.arrow]
    return f"*{title}*" if head.published else title + arrow


def _cell(cell: Cell) -> str:
    text = cell.text
    if text and (cell.best or cell.published):
        mark = "**" if cell.best else "*"
        text = f"{mark}{text}{mark}"
    text = f"{text} {cell.interval}" if cell.interval else text
    return text if cell.error is None else f"{text} ± {cell.error}"
