"""Two results folders of the same scale, before and after a change of code: which bytes differ?

    python benchmarks/compare_results.py OLD NEW       such as /tmp/before/results/demo results/demo

A restructuring may rename runs, since names are digests of recipes, and must leave every number alone.
So runs are matched by the tables' rows: what one table calls `BC + SFT` before and after is one run.
Compared are weights, scores of every scenario, cells, printed tables, figures, vocabularies and
thresholds. Exit code 1 where anything differs.
"""

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro

NAME = re.compile(r"[a-z0-9_]+-[0-9a-f]{10}\b|\b[0-9a-f]{10}\b")
"""Names of runs, and digests."""
UNTIMED = "time_split"
"""The figure that shows this machine's seconds: never the same twice."""


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
        note("scores", row, scores[0].equals(scores[1]))
    for old in sorted(args.old.glob("tables/*.*")):
        new = args.new / "tables" / old.name
        note(f"tables{old.suffix}", old.name, new.exists() and neutral(old) == neutral(new))
    for old in sorted(args.old.glob("figures/*.*")):
        if old.stem != UNTIMED:
            note("figures", old.name, same_bytes(old, args.new / "figures" / old.name))
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
    """Names of each system before and after, and the row of a table that has both."""
    pairs = {}
    for table in sorted(old.glob("tables/*.json")):
        rows = [
            json.loads((root / "tables" / table.name).read_text())["rows"] for root in (old, new)
        ]
        for before, after in zip(*rows, strict=True):
            if before["label"] != after["label"]:
                sys.exit(f"{table.name}: row `{before['label']}` became `{after['label']}`.")
            for pair in zip(before["systems"], after["systems"], strict=True):
                pairs.setdefault(pair, f"{table.stem}, {before['label']}")
    return pairs


def read_scores(folder: Path) -> pd.DataFrame:
    """Scores of a system that was evaluated in one way."""
    parts = [pd.read_parquet(path) for path in sorted(folder.glob("*/*.parquet"))]
    return pd.concat(parts).set_index("scenario_id").sort_index()


def neutral(path: Path) -> str:
    """A text without the names of runs."""
    return NAME.sub("NAME", path.read_text())


def same_bytes(old: Path, new: Path) -> bool:
    """Whether the new file exists and holds what the old one does."""
    return new.exists() and old.read_bytes() == new.read_bytes()


if __name__ == "__main__":
    main(tyro.cli(Args))
