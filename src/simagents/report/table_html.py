"""Lines of a table -> a page for a browser."""

from collections.abc import Iterable
from html import escape
from typing import Any

from simagents.report.page import html_wording, page
from simagents.report.printed import Cell, Head, Line


def html(content: dict[str, Any]) -> str:
    """The same table as a page that needs no other file."""
    heads = "".join(f"<th>{_heading(head)}</th>" for head in content["heads"])
    warning = ""
    if content["apart"]:
        why = escape(content["apart"])
        warning = f'<p class="warning">{why}; not comparable with published numbers.</p>\n'
    bodies = "".join(map(_body, filter(None, (content["lines"], content["below"]))))
    return page(
        content["name"],
        f"<p>{html_wording(content['caption'])}</p>\n{warning}"
        f'<div class="wide"><table>\n<thead><tr><th></th>{heads}</tr></thead>\n{bodies}</table></div>\n'
        f'<p class="note">{escape(" ".join(content["notes"]), quote=False)}</p>',
    )


def _body(lines: Iterable[Line]) -> str:
    rows = "".join(
        f"<tr><td>{_heading(line.head)}</td>{''.join(map(_cell, line.cells))}</tr>\n"
        for line in lines
    )
    return f"<tbody>\n{rows}</tbody>\n"


def _heading(head: Head) -> str:
    arrow = {"up": " ↑", "down": " ↓", "": ""}[head.arrow]
    title = html_wording(head.title)
    return f'<span class="published">{title}</span>' if head.published else title + arrow


def _cell(cell: Cell) -> str:
    text = escape(cell.text.replace("-", "−"), quote=False)
    text = f"<b>{text}</b>" if cell.best else text
    if cell.error is not None:
        text += f' <span class="error">± {escape(cell.error)}</span>'
    if cell.interval:
        text += f' <span class="interval">{escape(cell.interval.replace("-", "−"))}</span>'
    return f'<td class="published">{text}</td>' if cell.published else f"<td>{text}</td>"
