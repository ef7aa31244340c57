"""Two results folders of the same scale, before and after a change of code: which numbers differ?

    python benchmarks/compare_results.py OLD NEW       such as /tmp/before/results/demo results/demo

A restructuring may rename runs, since names are digests of recipes, and must leave every number alone.
So runs are matched by the tables' rows: what one table calls `BC + SFT` before and after is one run.
Compared are the bytes of weights, vocabularies and thresholds, and, to the last bit, the scores of
every scenario and the means and standard errors of every cell. What only one side has, such as a new
row or column, is not compared; wording and intervals are not numbers of a run. Exit code 1 where
anything differs.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro


@dataclass
class Args:
    """Compare the results of two versions of the code."""

    old: Annotated[Path, tyro.conf.Positional]
    new: Annotated[Path, tyro.conf.Positional]


def main(args: Args) -> None:
    """Print a line for each difference, then how many of each kind are the same."""
    pairs = systems(args.old, args.new)
    same, differences = Counter(), []

    def note(kind: str, what: str, equal: bool) -> None:
        same[kind] += equal
        if not equal:
            differences.append(f"{kind}: {what}")

    for (before, after), row in pairs.items():
        if not before.startswith("baseline-"):
            weights = (args.old / f"runs/{before}", args.new / f"runs/{after}")
            note("weights", row, same_bytes(*(run / "model.safetensors" for run in weights)))
        scores = [
            read_scores(root / f"scores/{name}")
            for root, name in ((args.old, before), (args.new, after))
        ]
        columns = scores[0].columns.intersection(scores[1].columns)
        note("scores", row, scores[0][columns].equals(scores[1][columns]))
    for table in sorted(args.old.glob("tables/*.json")):
        for cell, (before, after) in cells(table, args.new / "tables" / table.name).items():
            note("cells", f"{table.stem}, {cell}", before == after)
    for kind, pattern in (
        ("vocabularies", "tokens/*/vocabulary.safetensors"),
        ("thresholds", "calibrations/*.json"),
    ):
        contents = [
            Counter(p.read_bytes() for p in root.glob(pattern)) for root in (args.old, args.new)
        ]
        note(
            kind,
            f"{contents[0].total()} before, {contents[1].total()} after",
            contents[0] == contents[1],
        )
    print(*differences, *(f"{number} x {kind} the same" for kind, number in same.items()), sep="\n")
    sys.exit(bool(differences))


def systems(old: Path, new: Path) -> dict[tuple[str, str], str]:
    """Names of each system before and after, and a row of a table that has both."""
    pairs = {}
    for table in sorted(old.glob("tables/*.json")):
        for label, (before, after) in rows(table, new / "tables" / table.name).items():
            for pair in zip(before["systems"], after["systems"], strict=True):
                pairs.setdefault(pair, f"{table.stem}, {label}")
    return pairs


def rows(old: Path, new: Path) -> dict[str, tuple[dict, dict]]:
    """The rows of a table before and after, by label. Ends the program where one is lost."""
    before, after = (
        {row["label"]: row for row in json.loads(path.read_text())["rows"]} for path in (old, new)
    )
    for label in before:
        if label not in after:
            sys.exit(f"{old.name}: row `{label}` is gone.")
    return {label: (row, after[label]) for label, row in before.items()}


def cells(old: Path, new: Path) -> dict[str, tuple[dict, dict]]:
    """The cells of a table before and after, by row and column, where both have them."""
    return {
        f"{label}, {column}": (cell, after["cells"][column])
        for label, (before, after) in rows(old, new).items()
        for column, cell in before["cells"].items()
        if column in after["cells"]
    }


def read_scores(folder: Path) -> pd.DataFrame:
    """Scores of a system that was evaluated in one way."""
    parts = [pd.read_parquet(path) for path in sorted(folder.glob("*/*.parquet"))]
    return pd.concat(parts).set_index("scenario_id").sort_index()


def same_bytes(old: Path, new: Path) -> bool:
    """Whether the new file exists and holds what the old one does."""
    return new.exists() and old.read_bytes() == new.read_bytes()


if __name__ == "__main__":
    main(tyro.cli(Args))
