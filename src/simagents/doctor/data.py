"""Whether the scenarios that the plan reads are there."""

import re
from pathlib import Path

from simagents.doctor.finding import Finding
from simagents.errors import InputError
from simagents.planning.plan import Plan
from simagents.planning.shared_files import WOMD
from simagents.scenarios.womd.decode import read_scenarios

SHARD = re.compile(r"tfrecord-(\d{5})-of-(\d{5})$")


def data(plan: Plan, root: Path) -> Finding:
    """Synthetic scenarios are made by the workflow; WOMD's must be linked, whole and readable."""
    if plan.source == "synthetic":
        return Finding("ok", "data", "synthetic scenarios; the workflow makes them")
    odd = []
    for split in ("training", "validation"):
        folder = root / WOMD / split
        try:
            names = plan.linked_shards(split, root)
            dead = [folder / name for name in names if not (folder / name).exists()]
            first = None if dead else next(read_scenarios(folder / names[0]), None)
        except InputError as problem:
            return Finding("fail", "data", str(problem))
        if dead:
            link, target = dead[0], dead[0].readlink()
            says = f"{link} is a link to {target}, which does not exist; link it again"
            return Finding("fail", "data", says)
        if first is None or isinstance(first, InputError):
            reason = first or f"{folder / names[0]}: holds no record."
            return Finding("fail", "data", f"{reason} docs/data.md says which files to fetch")
        odd += [name for name in names if not SHARD.search(name)]
    if odd:
        says = f"{odd[0]} is not called like a shard of WOMD (…tfrecord-00000-of-01000); see docs/data.md"
        return Finding("warn", "data", says)
    return Finding("ok", "data", f"WOMD in {WOMD}; the first record of each split decodes")
