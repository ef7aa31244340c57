"""Whether another machine's results differ from kept ones by more than seeds and scenes explain.

Rounding differs from processor to processor, and training amplifies it: a seed that is trained elsewhere
ends with other weights. What two machines must have in common is what the seeds of one have in common.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from simagents.differences import Difference, difference, holm
from simagents.errors import InputError
from simagents.files import read_json, replacing
from simagents.report.columns import COLUMNS
from simagents.report.pairs import number
from simagents.report.rows import Row
from simagents.report.scores import by_seed, read_scores

COMPARED = ("metametric", "ade", "distance")
LEVEL = 0.05
"""A difference is resolved where its Holm-adjusted p value is below this."""


@dataclass
class Args:
    """Compare kept results with those of the same runs on this machine, row by row of their tables.

    Each pair of means comes with the 95 % interval of its difference over seeds and scenarios. What few
    seeds do not resolve may still differ: the intervals say by how much.
    """

    kept: Path
    """folder that `simagents keep` wrote, such as results/reference/small-xeon"""
    results: Path
    """of the same scale and code: results/small, or another kept folder"""
    out: Path
    """Markdown"""


@dataclass(frozen=True)
class Line:
    """One row of a table on both machines."""

    table: str
    label: str
    seeds: int
    means: dict[str, tuple[float, float]]
    """kept and repeated, by column"""
    differences: dict[str, Difference]


def main(args: Args) -> None:
    """Raises InputError where the folders have no row in common."""
    if not (args.kept / "tables").is_dir():
        raise InputError(
            f"{args.kept / 'tables'}: there is no such folder; name one that `simagents keep` wrote."
        )
    lines = list(compared(args.kept, args.results))
    if not lines:
        raise InputError(
            f"{args.results}: none of its systems is in a table of {args.kept}; run the same scale, with the"
            " settings of the kept recipes."
        )
    text = markdown(lines)
    with replacing(args.out) as temporary:
        temporary.write_text(text)
    print(text)


def compared(kept: Path, results: Path) -> Iterator[Line]:
    """Each row of the kept tables, once, of which both folders have all scores.

    Baselines and imported models are left out: no machine trained them.
    """
    seen = set()
    for path in sorted((kept / "tables").glob("*.json")):
        cells = read_json(path)
        for entry in cells["rows"]:
            row = Row(entry["label"], tuple(entry["systems"]), shared=entry["shared"])
            key = row.systems, cells["evaluation"]
            if row.untrained or entry["imported"] or key in seen:
                continue
            seen.add(key)
            files = [_scores(folder, row, cells["evaluation"]) for folder in (kept, results)]
            if all(files):
                yield _line(path.stem, row, *(read_scores(paths)[1] for paths in files))


def _scores(folder: Path, row: Row, evaluation: str) -> list[Path]:
    """Of all systems of the row; none where one has no scores."""
    parts = [sorted((folder / "scores" / s / evaluation).glob("*.parquet")) for s in row.systems]
    return list(chain(*parts)) if all(parts) else []


def _line(table: str, row: Row, kept: dict[str, Any], repeated: dict[str, Any]) -> Line:
    for system in row.systems:
        if not kept[system].index.equals(repeated[system].index):
            raise InputError(
                f"{system}: the two folders scored it on different scenarios; their data differ."
            )
    scores = {key: [by_seed(row, of, key) for of in (kept, repeated)] for key in COMPARED}
    return Line(
        table,
        row.label,
        len(row.systems),
        {key: (float(np.mean(one)), float(np.mean(two))) for key, (one, two) in scores.items()},
        {key: difference(two, one) for key, (one, two) in scores.items()},
    )


def markdown(lines: list[Line]) -> str:
    """A table, and below it how many rows differ beyond what seeds and scenarios explain."""
    heads = [f"{COLUMNS[key].heading}, kept | repeated | difference" for key in COMPARED]
    text = [
        f"| table | row | seeds | {' | '.join(heads)} |",
        f"|---|---|--:|{'--:|' * 3 * len(COMPARED)}",
    ]
    for line in lines:
        entries = [_entry(key, line) for key in COMPARED]
        text.append(f"| {line.table} | {line.label} | {line.seeds} | {' | '.join(entries)} |")
    return "\n".join([*text, "", _verdict(lines), ""])


def _entry(key: str, line: Line) -> str:
    of, column = line.differences[key], COLUMNS[key]
    change = replace(column, signed=True)
    mean, low, high = (change.format(number(end)) for end in (of.mean, of.low, of.high))
    kept, repeated = (column.format(number(value)) for value in line.means[key])
    return f"{kept} | {repeated} | {mean} [{low}, {high}]"


def _verdict(lines: list[Line]) -> str:
    several = [line for line in lines if line.seeds > 1]
    p = holm([line.differences[key].p for line in several for key in COMPARED])
    p = [value for value in p if not np.isnan(value)]
    count = sum(value < LEVEL for value in p)
    said = f"Of {len(p)} differences of rows with several seeds, {count} are resolved at {LEVEL:.0%} (Holm)."
    if len(several) < len(lines):
        said += f" Rows with one seed, of which nothing can be said: {len(lines) - len(several)}."
    return said
