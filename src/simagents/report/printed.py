"""What a table prints: cells, headings and lines, before LaTeX, Markdown or HTML."""

from dataclasses import dataclass

NOTHING = "–"
"""Where a row has nothing of the kind, as opposed to n/a, a number that is not defined."""


@dataclass(frozen=True)
class Cell:
    """A number as it is printed."""

    text: str
    error: str | None = None
    """its standard error"""
    best: bool = False
    published: bool = False
    """whether it is the paper's and not ours"""
    interval: str | None = None
    """its ends, which are printed under it"""


@dataclass(frozen=True)
class Head:
    """What stands over a column, or before it where the table is transposed."""

    title: str
    """LaTeX"""
    arrow: str = ""
    """up or down, where one of them is better"""
    published: bool = False
    attached: bool = False
    """whether it says something of the column before it, from which a narrow page must not part it"""


@dataclass(frozen=True)
class Line:
    """What is printed from left to right."""

    head: Head
    cells: list[Cell]
    runs: tuple[str, ...] = ()
