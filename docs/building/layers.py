"""The picture of the layers, from the contracts of import-linter in pyproject.toml."""

import re
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path

from building.interfaces import Module, place

_WIDTH, _HEIGHT, _GAP, _LINE = 860, 34, 8, 19
_LETTER = 8.2
"""px: widths and heights of boxes, and the width of a letter of the labels, generously"""


def pages(root: Path) -> dict[str, str]:
    """Pictures of every contract of layers, and the other contracts in words."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    layered = [c for c in contracts["contracts"] if c["type"] == "layers"]
    others = [c for c in contracts["contracts"] if c["type"] == "forbidden"]
    parts = []
    for contract in layered:
        (container,) = contract["containers"]
        parts += [
            f"**{contract['name']}** (`{container}`)",
            raw(svg(contract["layers"], container)),
        ]
    rows = ["| rule | these | import none of |", "|---|---|---|"]
    for contract in others:
        sides = (contract["source_modules"], contract["forbidden_modules"])
        names = (
            ", ".join(f"`{name.removeprefix('simagents.')}`" for name in side) for side in sides
        )
        indirect = contract.get("allow_indirect_imports")
        rule = contract["name"] + (", directly" if indirect else "")
        rows.append(f"| {rule} | {' | '.join(names)} |")
    holds = ["| package or module | holds |", "|---|---|"]
    for name in (name for layer in layered[0]["layers"] for name in names_of(layer)):
        holds.append(f"| `{name}` | {Module.read(f'simagents.{name}', root).does} |")
    return {
        "_generated/rooms.md": "\n".join(holds) + "\n",
        "_generated/layers.md": "\n\n".join(parts) + "\n",
        "_generated/forbidden.md": "\n".join(rows) + "\n",
    }


def raw(picture: str) -> str:
    """Goes into the page as it is, so that its links work and its colours follow the theme."""
    return f'```{{raw}} html\n<div class="layers">{picture}</div>\n```'


def svg(layers: list[str], container: str) -> str:
    """A row of boxes for each layer; a layer may import from those below it."""
    rows = [list(lines_of(names_of(layer))) for layer in layers]
    parts, top = [], 1.0
    for lines in rows:
        for names in lines:
            width = (_WIDTH - _GAP * (len(names) - 1)) / len(names)
            for number, name in enumerate(names):
                parts.append(box(number * (width + _GAP), top, width, name, container))
            top += _HEIGHT
        top += _GAP
    label = escape(f"Layers of {container}, the highest first: " + "; ".join(layers))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:g}" role="img"'
    return f'{head} width="{_WIDTH}" aria-label="{label}">{"".join(parts)}</svg>'


def names_of(layer: str) -> list[str]:
    """Siblings, which import-linter separates by bars or colons."""
    return re.split(r"\s*[|:]\s*", layer)


def lines_of(names: list[str]) -> Iterator[list[str]]:
    """Siblings of a layer in as few lines as have room for their names."""
    count = 1
    while any(len(name) * _LETTER > _WIDTH / -(-len(names) // count) - 2 * _GAP for name in names):
        count += 1
    each = -(-len(names) // count)
    for first in range(0, len(names), each):
        yield names[first : first + each]


def box(left: float, top: float, width: float, name: str, container: str) -> str:
    """A package or module with its name, which is a link where it has a page."""
    x, y = left + width / 2, top + _LINE + 1
    text = (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="14">{escape(name)}</text>'
    )
    target = place(f"{container}.{name}")
    if target:
        text = f'<a href="api/{target}">{text}</a>'
    frame = f'x="{left + 0.5:.1f}" y="{top:.1f}" width="{width - 1:.1f}" height="{_HEIGHT - 4}"'
    return f'<rect {frame} rx="4"/>{text}'
