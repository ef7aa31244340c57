"""The workflow as a drawing of its rules, for Snakemake's report, which draws a node for every shard.

Rules that differ in the shard or part that they work on are one box. Boxes stand in layers, each below
all that it reads from, and a line that a path of other lines implies is left out. Where a rule reads what
comes of itself, as a run reads its parent's calibration, the line back is dashed.
"""

import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

WIDTH, LAYER, HEIGHT = 900.0, 62.0, 26.0
"""Pixels: of the drawing, from layer to layer, of a box."""
_LETTER, _PADDING = 7.2, 18.0
"""Pixels that a letter takes and that stand around a name."""
_LISTS = ("shards",)
"""Rules that only list files: what they read leads to where they are read."""
_PARTS = re.compile(r"_(?:training|validation)_\d+$|_parent$")


def family(rule: str) -> str:
    """The name that rules for parts of the data have in common: `cache_training_0` is cache."""
    return _PARTS.sub("", rule)


def drawing(spec: Json, jobs: Mapping[str, int]) -> Json:
    """A specification for Vega with the same rules, from that of Snakemake and numbers of jobs by rule.

    Every box keeps the name of one of its rules, so that a click on it shows that rule.
    """
    data = {part["name"]: part["values"] for part in spec["data"]}
    nodes = [node["rule"] for node in data["node-data"]]
    links = {
        (link["source"], link["target"])
        for name in ("link-data", "link-data-direct")
        for link in data[name]
    }
    for place, rule in enumerate(nodes):
        if rule in _LISTS:
            into = {a for a, b in links if b == place}
            out = {b for a, b in links if a == place}
            links = {link for link in links if place not in link}
            links |= {(a, b) for a in into for b in out}
    rules: dict[str, str] = {}
    for rule in nodes:
        if rule not in _LISTS:
            rules.setdefault(family(rule), rule)
    names = list(rules)
    every = {(family(nodes[a]), family(nodes[b])) for a, b in links}
    edges, back = _directed(names, {(a, b) for a, b in every if a != b})
    places = _places(names, edges)
    counts = dict.fromkeys(names, 0)
    for rule, count in jobs.items():
        if family(rule) in counts:
            counts[family(rule)] += count
    boxes = [
        {"rule": rules[name], "text": text, "x": x, "y": y, "wide": _wide(text)}
        for name, (x, y) in places.items()
        for text in [_text(name, counts[name])]
    ]  # fmt: skip
    lines = [
        {"x": x, "y": y + HEIGHT / 2, "x2": x2, "y2": y2 - HEIGHT / 2, "dash": dash}
        for kind, dash in ((edges, [1, 0]), (back, [4, 3]))
        for (x, y), (x2, y2) in ((places[a], places[b]) for a, b in sorted(kind))
    ]  # fmt: skip
    return _vega(boxes, lines, 1 + max(y for _, y in places.values()))


def _text(name: str, jobs: int) -> str:
    """A rule that ran more than once says how often."""
    return f"{name} × {jobs}" if jobs > 1 else name


def _wide(text: str) -> float:
    return _LETTER * len(text) + _PADDING


Edges = set[tuple[str, str]]


def _directed(names: list[str], edges: Edges) -> tuple[Edges, Edges]:
    """Lines downwards, without implied ones, and lines back: of a circle, those to a rule that came first."""
    order = {name: place for place, name in enumerate(names)}
    back = {(a, b) for a, b in edges if order[a] > order[b] and _leads(b, a, edges)}
    down = edges - back
    return {
        (a, b)
        for a, b in down
        if not any((a, c) in down and _leads(c, b, down) for c in names if c not in (a, b))
    }, back


def _leads(start: str, end: str, edges: Edges) -> bool:
    nexts, seen = [start], set()
    while nexts:
        here = nexts.pop()
        if here == end:
            return True
        if here not in seen:
            seen.add(here)
            nexts += [b for a, b in edges if a == here]
    return False


def _places(names: list[str], edges: Edges) -> dict[str, tuple[float, float]]:
    """Middle of each box: layers by the longest way to a rule, wide ones divided; in a layer below its parents."""
    layer: dict[str, int] = {}
    while len(layer) < len(names):
        for name in names:
            parents = [a for a, b in edges if b == name]
            if name not in layer and all(parent in layer for parent in parents):
                layer[name] = 1 + max((layer[parent] for parent in parents), default=-1)
    places: dict[str, tuple[float, float]] = {}
    row = 0
    for number in range(1 + max(layer.values(), default=0)):
        members = [name for name in names if layer[name] == number]
        members.sort(key=lambda name: _above(name, edges, places))
        for line in _lines(members):
            gap = (WIDTH - sum(line.values())) / (len(line) + 1)
            x = gap
            for name, wide in line.items():
                places[name] = (x + wide / 2, HEIGHT / 2 + row * LAYER)
                x += wide + gap
            row += 1
    return places


def _above(name: str, edges: Edges, places: dict[str, tuple[float, float]]) -> float:
    parents = [places[a][0] for a, b in edges if b == name]
    return sum(parents) / len(parents) if parents else WIDTH / 2


def _lines(members: list[str]) -> list[dict[str, float]]:
    """Boxes that stand side by side, with their widths; room is left for numbers of jobs."""
    lines: list[dict[str, float]] = [{}]
    for name in members:
        wide = _wide(f"{name} × 0000")
        if lines[-1] and sum(lines[-1].values()) + wide > 0.9 * WIDTH:
            lines.append({})
        lines[-1][name] = wide
    return lines


def _vega(boxes: list[Json], lines: list[Json], height: float) -> Json:
    centred = {"x": {"field": "x"}, "y": {"field": "y"}}
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "width": WIDTH,
        "height": height + HEIGHT / 2,
        "padding": 10,
        "background": "white",
        "data": [{"name": "boxes", "values": boxes}, {"name": "lines", "values": lines}],
        "marks": [
            {
                "type": "rule",
                "from": {"data": "lines"},
                "encode": {
                    "enter": {
                        **{key: {"field": key} for key in ("x", "y", "x2", "y2")},
                        "stroke": {"value": "#999"},
                        "strokeDash": {"field": "dash"},
                    }
                },
            },
            {
                "type": "rect",
                "from": {"data": "boxes"},
                "encode": {
                    "enter": {
                        "xc": {"field": "x"},
                        "yc": {"field": "y"},
                        "width": {"field": "wide"},
                        "height": {"value": HEIGHT},
                        "cornerRadius": {"value": 4},
                        "fill": {"value": "#e8f0fa"},
                        "stroke": {"value": "#0173b2"},
                        "cursor": {"value": "pointer"},
                        "tooltip": {"value": "Click to show rule details."},
                    }
                },
            },
            {
                "type": "text",
                "interactive": False,
                "from": {"data": "boxes"},
                "encode": {
                    "enter": {
                        **centred,
                        "text": {"field": "text"},
                        "align": {"value": "center"},
                        "baseline": {"value": "middle"},
                        "fontSize": {"value": 13},
                        "fill": {"value": "black"},
                    }
                },
            },
        ],
    }
