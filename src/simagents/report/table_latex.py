r"""Lines of a table -> LaTeX that fits the page.

No table is scaled. One that is too wide in \small is set in \footnotesize; one that is too wide then
is divided into groups of columns, one below the other, each with the labels of the rows. What is too
high for a page in this way has the published rows in a second float.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from simagents.report.latex import signs, wording
from simagents.report.printed import NOTHING, Cell, Head, Line
from simagents.report.text_width import width_of

LINE_WIDTH = 455.0
"""Points: A4 less two margins of 25 mm, as main.tex has it."""
PAGE_HEIGHT = 540.0
"""Points that the lines of one float may take; caption and notes need the rest of the page."""
_SIZES = ("small", "footnotesize")
_SEPARATION = 4.0
r"""Points, as \tabcolsep in the template."""
_SAFETY = 0.98
"""Estimated widths may be that much of a line."""
_LINE_HEIGHT = {"small": 11.0, "footnotesize": 9.5}
_RULES = 3
"""Heights of a line that the heading and the rules of a group of columns take."""


@dataclass(frozen=True)
class Group:
    """Columns that stand side by side, and the lines of them."""

    heads: list[Head]
    lines: list[Line]
    below: list[Line]


@dataclass(frozen=True)
class Float:
    """What one float of LaTeX holds."""

    groups: list[Group]
    size: str
    """of the font, a key of `POINTS`"""
    full: bool
    """whether its groups are as wide as the page, so that they stand below each other in line"""


def floats(heads: Sequence[Head], lines: Sequence[Line], below: Sequence[Line]) -> list[Float]:
    """The table, divided where it must be."""
    for size in _SIZES:
        parts = _partition(heads, [*lines, *below], size)
        if len(parts) == 1:
            break
    groups = [_group(part, heads, lines, below) for part in parts]
    full = len(groups) > 1
    if full:  # where published rows have nothing at all of a group, they need not stand in it
        groups = [group if _says(group.below) else replace(group, below=[]) for group in groups]
    if below and sum(_height(group, size) for group in groups) > PAGE_HEIGHT:
        ours = [Group(group.heads, group.lines, []) for group in groups]
        theirs = _shown(heads, below)
        parts = _partition(theirs.heads, theirs.below, size)
        divided = [_group(part, theirs.heads, [], theirs.below) for part in parts]
        return [Float(ours, size, full), Float(divided, size, full=True)]
    return [Float(groups, size, full)]


def _partition(heads: Sequence[Head], lines: Sequence[Line], size: str) -> list[range]:
    """Columns of as few groups as fit the page, the widest of them as narrow as it can be."""
    label = max((width_of(heading(line.head), size) for line in lines), default=0.0)
    widths = [
        2 * _SEPARATION
        + max(width_of(heading(head), size), *(width_of(number(c), size) for c in contents))
        for head, *contents in zip(heads, *(line.cells for line in lines), strict=True)
    ]
    starts = [n for n, head in enumerate(heads) if not head.attached or n == 0]
    blocks = [range(a, b) for a, b in zip(starts, [*starts[1:], len(heads)], strict=True)]
    room = _SAFETY * LINE_WIDTH - label - 2 * _SEPARATION
    sums = [0.0, *accumulate(sum(widths[n] for n in block) for block in blocks)]
    if sums[-1] <= room or len(blocks) == 1:
        return [range(len(heads))]
    # Each way of cutting has its widest group; the narrowest such width needs no more groups.
    candidates = sorted(b - a for i, a in enumerate(sums) for b in sums[i + 1 :])
    fewest = len(_cut(sums, max(room, _widest(sums))))
    limit = next(c for c in candidates if c >= _widest(sums) and len(_cut(sums, c)) <= fewest)
    return [range(blocks[a].start, blocks[b - 1].stop) for a, b in _cut(sums, limit)]


def _widest(sums: Sequence[float]) -> float:
    return max(b - a for a, b in pairwise(sums))


def _cut(sums: Sequence[float], limit: float) -> list[tuple[int, int]]:
    """Runs of blocks, each filled up to the limit."""
    runs, first = [], 0
    for last in range(1, len(sums)):
        if sums[last] - sums[first] > limit + 1e-9:
            runs.append((first, last - 1))
            first = last - 1
    return [*runs, (first, len(sums) - 1)]


def _group(
    part: range, heads: Sequence[Head], lines: Sequence[Line], below: Sequence[Line]
) -> Group:
    def of(line: Line, runs: tuple[str, ...]) -> Line:
        return Line(line.head, [line.cells[n] for n in part], runs)

    # The runs of a row are named once, in its first group.
    ours = [of(line, line.runs if part.start == 0 else ()) for line in lines]
    return Group([heads[n] for n in part], ours, [of(line, ()) for line in below])


def _says(lines: Sequence[Line]) -> bool:
    return any(cell.text != NOTHING for line in lines for cell in line.cells)


def _shown(heads: Sequence[Head], below: Sequence[Line]) -> Group:
    """Published rows, without columns of which they have nothing."""
    kept = [n for n in range(len(heads)) if any(line.cells[n].text != NOTHING for line in below)]
    lines = [Line(line.head, [line.cells[n] for n in kept]) for line in below]
    return Group([heads[n] for n in kept], [], lines)


def _height(group: Group, size: str) -> float:
    lines = [*group.lines, *group.below]
    rows = sum(2 if any(cell.interval for cell in line.cells) else 1 for line in lines)
    return _LINE_HEIGHT[size] * (rows + _RULES)


def number(cell: Cell) -> str:
    """`0.7720 ± .0031` in LaTeX, the error small, the best of its column bold; an interval below."""
    shown = signs(cell.text)
    text = rf"\textbf{{{shown}}}" if cell.best else shown
    if cell.published and text:
        text = rf"\textit{{{text}}}"
    if cell.interval:
        below = rf"{{\scriptsize {signs(cell.interval)}}}"
        return rf"\begin{{tabular}}[c]{{@{{}}r@{{}}}}{text}\\[-2pt]{below}\end{{tabular}}"
    return text if cell.error is None else rf"{text}{{\scriptsize\,$\pm$\,{cell.error}}}"


def heading(head: Head) -> str:
    """In LaTeX, with an arrow where one direction is better."""
    text = wording(head.title)
    text = rf"\textit{{{text}}}" if head.published else text
    return text + (rf"\,$\{head.arrow}arrow$" if head.arrow else "")
