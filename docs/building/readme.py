"""The table of results in README.md, from the kept cells of scale small.

GitHub shows the README as it is, so that the table is written into it: after new results were kept,
`PYTHONPATH=docs python -m building.readme` writes it anew. A test compares.
"""

import re
from pathlib import Path

from building.findings import KEPT
from simagents.errors import InputError
from simagents.files import read_json, replacing
from simagents.report.columns import COLUMNS

ROWS = {
    "random tokens": ("baselines", "Random tokens"),
    "constant velocity": ("baselines", "Constant velocity"),
    "standing still": ("baselines", "Standing still"),
    "behaviour cloning (BC)": ("baselines", "BC"),
    "BC, then CAT-K closed-loop fine-tuning": ("baselines", "BC + SFT"),
    "BC, then RLFTSim's reward and credit (MLOO)": ("rewards", "Realism, MLOO"),
    "logged trajectories": ("baselines", "Logged trajectories"),
}
"""Rows of the README, and the table and row that each is from."""
KEYS = ("metametric", "ade", "distance", "collision_rate", "offroad_rate")
BLOCK = re.compile("(?<=<!-- numbers:small -->\n).*?(?=<!-- /numbers:small -->)", re.DOTALL)


def table(root: Path) -> str:
    """Markdown. Raises InputError where a row was not kept."""
    heads = " | ".join(COLUMNS[key].heading for key in KEYS)
    lines = [f"| scale small | {heads} |", f"|---|{'--:|' * len(KEYS)}"]
    for label, place in ROWS.items():
        cells = _row(root, *place)["cells"]
        shown = " | ".join(COLUMNS[key].format(cells[key]["mean"]) for key in KEYS)
        lines.append(f"| {label} | {shown} |")
    return "\n".join(lines) + "\n"


def _row(root: Path, name: str, label: str) -> dict:
    path = root / KEPT[0] / f"tables/{name}.json"  # all rows are of one machine
    for row in read_json(path)["rows"]:
        if row["label"] == label:
            return row
    raise InputError(f"{path}: there is no row {label}.")


def with_table(text: str, root: Path) -> str:
    """A README with the table in its place. Raises InputError where it has none."""
    if not BLOCK.search(text):
        raise InputError("README.md: the marks <!-- numbers:small --> … are missing.")
    return BLOCK.sub(lambda _: table(root), text)


if __name__ == "__main__":
    here = Path("README.md")
    changed = with_table(here.read_text(), Path())
    with replacing(here) as temporary:
        temporary.write_text(changed)
