"""What made a system: its runs back to the first, their settings, and what their files say."""

import json
from pathlib import Path
from typing import Any

from simagents.config.changes import flat
from simagents.errors import InputError
from simagents.files import read_json
from simagents.planning.plan import Plan
from simagents.planning.runs import Import, Run, System
from simagents.provenance import CHANGED

Json = dict[str, Any]
UNKNOWN = "unknown"
"""What `provenance.py` writes for the commit outside of git."""


def lineage(plan: Plan, root: Path, system: System) -> list[Json]:
    """A system and the runs that it descends from, the first one last. A baseline has no run.

    Each has `id`, `kind` and `tokens`; a run also its `seed`, `recipe` (path), `parent`, `changes`
    (dotted key -> [value of the parent, value of the run]; None for a first run), `made`, and, where
    it is, `provenance`, `steps`, `wall_seconds` and `cpu_seconds`.
    """
    chain = []
    while system is not None:
        chain.append(_described(plan, root, system))
        system = system.parent if isinstance(system, Run) else None
    return chain


def _described(plan: Plan, root: Path, system: System) -> Json:
    names = {plan.tokens_id(name, "configuration"): name for name in plan.config.tokenizers}
    about = {
        "id": system.id,
        "kind": type(system).__name__.lower(),
        "tokens": system.tokens,
        "tokenizer": names.get(system.tokens),
    }
    folder = f"{plan.results}/runs/{system.id}"
    weights = f"{folder}/model.safetensors"
    if isinstance(system, Import):
        made = (root / weights).exists()
        return {**about, "folder": str(system.folder), "sha256": system.model.weights, "made": made}
    if not isinstance(system, Run):
        return about
    made = (root / weights).exists()
    parent = system.parent
    return {
        **about,
        "stage": system.stage,
        "seed": system.recipe.seed,
        "data": system.recipe.data,
        "recipe": f"{folder}/recipe.json",
        "weights": weights,
        "parent": parent.id if parent else None,
        "changes": changes(parent, system) if parent else None,
        "calibration": _calibration(plan, root, system),
        "made": made,
        **(_measured(root / folder) if made else {}),
    }


def changes(parent: Run | Import, run: Run) -> dict[str, list[Any]]:
    """Dotted keys of which the two recipes have different values: [the parent's, the run's].

    None stands for a key that a recipe does not have, or has as null. Names and digests, which differ
    by themselves, are left out. Of an imported parent only the model is known.
    """
    before, after = (dict(flat(each.recipe.model_dump(mode="json"), ".")) for each in (parent, run))
    if isinstance(parent, Import):
        before = {key: value for key, value in before.items() if key.startswith("model.")}
    keys = [*after, *(key for key in before if key not in after)]
    return {
        key: [before.get(key), after.get(key)]
        for key in keys
        if key not in ("stage", "parent") and before.get(key) != after.get(key)
    }


def _calibration(plan: Plan, root: Path, run: Run) -> Json | None:
    """What was measured on the parent before training; None where nothing is."""
    if run.calibration_id is None:
        return None
    path = f"{plan.results}/calibrations/{run.calibration_id}.json"
    content = read_json(root / path) if (root / path).exists() else None
    return {"path": path, "content": content}


def _measured(folder: Path) -> Json:
    """Of a finished run. Raises InputError where a file of its three is missing or damaged."""
    steps, wall, cpu = 0, 0.0, 0.0
    path = folder / "history.jsonl"
    if not path.exists():
        raise InputError(f"{path}: there is no such file beside the run's weights; train it again.")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            raise InputError(
                f"{path}, line {number}: not valid JSON; train the run again."
            ) from None
        steps += 1
        wall += row["seconds"]
        # Runs of an earlier version did not log it: NaN, and never the sum of some steps.
        cpu += row.get("cpu_seconds", float("nan"))
    content = read_json(folder / "provenance.json")
    commit = content.get("commit", UNKNOWN)
    return {
        "provenance": {
            "path": "provenance.json",
            **content,
            "commit": commit.removesuffix(CHANGED),
            "clean": None if commit == UNKNOWN else not commit.endswith(CHANGED),
        },
        "steps": steps,
        "wall_seconds": round(wall, 3),
        "cpu_seconds": None if cpu != cpu else round(cpu, 3),
    }
