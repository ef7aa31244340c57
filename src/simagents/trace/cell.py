"""`simagents trace`: what a cell of a table was made from, as text or as JSON."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from simagents.config.reading import chosen, read
from simagents.errors import InputError, unknown_value
from simagents.files import print_or_write, read_json
from simagents.planning.exhibits import PlannedRow
from simagents.planning.plan import Plan
from simagents.planning.runs import Run, System
from simagents.trace.lineage import lineage
from simagents.trace.place import Place, name_of
from simagents.trace.text import as_text

Json = dict[str, Any]

MADE, PLANNED, OUTDATED = "made", "planned, not made", "outdated"


@dataclass
class Args:
    """From one cell of a table to all that made it: runs and their parents, settings, scores, data,
    commit, versions, hardware, time."""

    table: Annotated[str, tyro.conf.Positional]
    """name of the table, such as alpha"""
    row: Annotated[str, tyro.conf.Positional]
    """its label, with or without TeX's signs, or the name of its stage, baseline or run"""
    column: Annotated[str, tyro.conf.Positional]
    """key of the column, such as metametric, or its heading"""
    scale: str | None = None
    """demo, small, lab or paper; that of config.yaml if none is given"""
    data: str | None = None
    """synthetic or womd; that of config.yaml if none is given"""
    size: str | None = None
    """of the model, a file of config/model"""
    configfile: Path | None = None
    """keys that win over those of the repository's files, as with Snakemake"""
    seed: int | None = None
    """only the run of this seed"""
    json: bool = False
    """print JSON"""
    root: Path = Path()
    """folder of the repository"""


def main(args: Args) -> None:
    """Print what made the cell."""
    keys = {"scale": args.scale, "data": args.data, "size": args.size}
    plan = Plan.of(read(args.root, chosen(args.configfile, **keys)))
    place = Place.of(plan, args.table, args.row, args.column)
    told = traced(plan, args.root, place, args.seed, options(args))
    text = json.dumps(told, indent=2, ensure_ascii=False) if args.json else as_text(told)
    print_or_write(text, None)


def options(args: Args) -> str:
    """What Snakemake needs to plan as this command does."""
    keys = {"scale": args.scale, "data": args.data, "size": args.size}
    given = [f"{key}={value}" for key, value in keys.items() if value is not None]
    words = [f"--configfile {shlex.quote(str(args.configfile))}"] if args.configfile else []
    return "".join(f" {word}" for word in [*words, *(["--config", *given] if given else [])])


def traced(plan: Plan, root: Path, place: Place, seed: int | None, options: str = "") -> Json:
    """All that is known of a cell.

    `state` is `made` where the cells on disk have the planned row's systems and evaluation;
    `outdated` where they have others, whose numbers are then not shown; `planned, not made` where
    there are no cells. `runs` has one list for each seed, from the run back to the first one. `cell` is
    the cell as `cells.py` wrote it, of all seeds together; `differences` are those of its row. `seed`
    chooses among the runs only. Files of scores and cells do not say which commit wrote them; runs
    do. Raises InputError for a seed that no run of the row has.
    """
    table, column = place.table, place.column
    path = f"{plan.results}/tables/{table.name}.json"
    state, cells = _cells(plan, root, place, path)
    row = cells["rows"][place.number] if state == MADE else None
    return {
        "table": table.name,
        "scale": plan.config.scale,
        "row": {
            "label": place.row.label,
            "name": name_of(place.row),
            "published": place.row.published,
            "shared": place.row.shared,
        },
        "rows": [each.label for each in table.rows],
        "column": {"key": place.key, "heading": column.heading, "source": column.source},
        "state": state,
        "path": path,
        "command": f"snakemake {plan.results}/tables/{table.name}.tex{options}",
        "printed": column.format(row["cells"][place.key]["mean"]) if row else None,
        "cell": row["cells"][place.key] if row else None,
        "seeds": len(row["systems"]) if row else None,
        "scenarios": cells["scenarios"] if row else None,
        "differences": _differences(cells, place) if row else [],
        "evaluation": _evaluation(plan, place),
        "data": {
            "source": plan.source,
            "digest": plan.data_id,
            "folder": f"{plan.results}/scenarios/{plan.data_id}",
            "settings": plan.scenarios.model_dump(mode="json"),
        },
        "sources": [
            {"path": each, "there": (root / each).exists()} for each in _sources(plan, place)
        ],
        "runs": [lineage(plan, root, system) for system in _systems(place.row, seed)],
    }


def _evaluation(plan: Plan, place: Place) -> Json | None:
    """How the column's numbers were measured; None where a log or a report on tokens has them."""
    if place.column.of_history or place.column.of_tokens:
        return None
    name, digest, settings = "planners", plan.planners_id, plan.config.planners
    if not place.column.of_planners:
        name = place.table.evaluation
        digest, settings = plan.evaluation_id(name), plan.evaluations[name]
    return {"name": name, "digest": digest, "settings": settings.model_dump(mode="json")}


def _cells(plan: Plan, root: Path, place: Place, path: str) -> tuple[str, Json]:
    """The state of a table's file, and its content."""
    if not (root / path).exists():
        return PLANNED, {}
    cells = read_json(root / path)
    planned = {
        "evaluation": plan.evaluation_id(place.table.evaluation),
        "columns": list(place.table.columns),
        "over": place.table.settings.over,
        "systems": [[system.id for system in row.systems] for row in place.table.rows],
    }
    if place.column.of_planners:
        planned["planners"] = plan.planners_id
    try:
        there = {key: cells[key] for key in ("evaluation", "columns", "over")}
        if place.column.of_planners:
            there["planners"] = cells["planners"]["settings"]
        there["systems"] = [row["systems"] for row in cells["rows"]]
    except (KeyError, TypeError):
        raise InputError(f"{root / path}: no cells of this version; make it again.") from None
    return (MADE if there == planned else OUTDATED), cells


def _differences(cells: Json, place: Place) -> list[Json]:
    """Of the cell's row minus every other one, where the column is compared pair by pair."""
    labels = [row["label"] for row in cells["rows"]]
    found = []
    for pair in cells["differences"].get(place.key, []):
        if place.number not in (pair["row"], pair["to"]):
            continue
        rest = {key: pair[key] for key in ("p", "covers")}
        if pair["row"] == place.number:
            ends = {key: pair[key] for key in ("mean", "low", "high")}
            found.append({"minus": labels[pair["to"]], **ends, **rest})
        else:
            mean, low, high = (_negative(pair[key]) for key in ("mean", "high", "low"))
            ends = {"mean": mean, "low": low, "high": high}
            found.append({"minus": labels[pair["row"]], **ends, **rest})
    return found


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _systems(row: PlannedRow, seed: int | None) -> list[System]:
    """The row's systems; with a seed, those that were trained under it or have none."""
    runs = [system for system in row.systems if isinstance(system, Run)]
    if seed is None or not runs:
        return row.systems
    found = [run for run in runs if run.recipe.seed == seed]
    if not found:
        raise unknown_value(str(seed), "--seed", [str(run.recipe.seed) for run in runs])
    return found


def _sources(plan: Plan, place: Place) -> list[str]:
    """The files that the column's numbers come from, of every system of the row."""
    column, results = place.column, plan.results
    systems = place.row.systems
    if column.of_tokens:
        tokens = dict.fromkeys(system.tokens for system in systems)
        return [f"{results}/tokens/{digest}/reconstruction.json" for digest in tokens]
    if column.of_history:
        runs = [system.id for system in systems if isinstance(system, Run)]
        return [f"{results}/runs/{run}/history.jsonl" for run in runs]
    if place.compared is not None:
        systems = [*systems, *_systems(place.compared, None)]
    if column.of_planners:
        # Values are compared with those among the log, or with those of every row.
        every = place.table.rows
        others = every if column.of_pairs else [row for row in every if name_of(row) == "log"]
        systems = [*systems, *(system for row in others for system in row.systems)]
        folder, evaluation = "planners", plan.planners_id
    else:
        folder, evaluation = "scores", plan.evaluation_id(place.table.evaluation)
    return [
        f"{results}/{folder}/{system}/{evaluation}/{chunk}.parquet"
        for system in dict.fromkeys(system.id for system in systems)
        for chunk in range(plan.config.compute.chunks)
    ]
