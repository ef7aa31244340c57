"""Score files -> the cells of one table: the only place where seeds meet.

The JSON that is written, and that `table`, `numbers` and `comparison` read:

    scale, data, challenge, rollouts   as given
    evaluation    digest of how the systems were scored; the same for all
    scenarios     how many every system was scored on
    seeds         how many systems a row has at most
    columns       keys of `columns.py`, in order
    over          label of the row that columns of the comparison compare with, or null
    rows          per row: label, published, systems, whether it was imported, shared (the last stage
                  on the way to them of which all seeds have the same run, or null), cells by column
                  key, each with
                      mean            over seeds, of the means over scenarios
                      deviation       over seeds (n - 1); null for one seed
                      standard_error  over scenarios, of the scores averaged over seeds
                      undefined       scenarios on which the score does not exist
                  columns of the tokens have a mean only: a vocabulary is measured once;
                  those of the history have no standard error, and are the mean over the last tenth
                  of training, or the last number where few steps log one; those of the comparison
                  with the row `over` have a mean only, which is null in that row
    differences   by column of scores, the meta-metric always among them; per pair of rows `row` >
                  `to`: mean difference on the same scenarios, with the ends `low` and `high` of its
                  95 % interval, its `p` value, and `covers`: `seeds and scenarios`; `seeds after
                  STAGE and scenarios` where all seeds share the run of a stage; `scenarios` where
                  neither row is trained; `one seed` where a trained row has only one, so that the
                  interval says nothing of training and nothing may be concluded (`differences.py`).
                  An imported model is one seed of a training elsewhere: beside rows of several seeds
                  it stands as it is, and the interval covers their seeds

    planners      only in tables with columns about planners: on how many `scenes` how many
                  `planners` drove, in how many `rollouts` each, which `agents` were there, `logged` or
                  `all`, and the digest of these `settings`. Cells of a column about pairs of rows
                  have no mean but `pairs`: for every row of the table, in order, `value`, `low` and
                  `high`, and in the place of the row itself the rank
                  correlation between halves of the scenes, or null. Intervals of these columns are over scenes,
                  planners and seeds together (`agreement.py`); their cells have no standard error.
                  `differences` has `rank_log` and `value_error` as well, which cover `scenarios and
                  planners`, `seeds, scenarios and planners`, `seeds after STAGE, scenarios and planners`,
                  or `one seed`, with the meanings above

A number that does not exist is null, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simagents.errors import InputError
from simagents.files import read_json, write_json
from simagents.report.columns import COLUMNS, DIFFERENCE, PLANNERS, column
from simagents.report.histories import read_histories
from simagents.report.pairs import Against, all_pairs, number
from simagents.report.planner_values import PlannerCells, read_planners
from simagents.report.rows import Row, read_rows
from simagents.report.scores import by_seed, common_scenarios, read_scores

Json = dict[str, Any]

COMPARED = "metametric"
"""The quantity by which rows are compared pair by pair in every table."""
LAST = 0.1
"""Share of a run's steps, at its end, that a logged number is averaged over."""


@dataclass
class Args:
    """Gather the scores of systems into the cells of a table."""

    rows: str
    """JSON list of {"label", "systems": [one per seed, or one], "published": name or null}"""
    columns: list[str]
    """metametric, kinematic, interactive, map, min_ade, ade, collision_rate, …"""
    scores: list[Path]
    """…/scores/{system}/{evaluation}/{chunk}.parquet"""
    scale: str
    data: str
    """where the scenarios come from"""
    challenge: int
    """year of the metric"""
    rollouts: int
    out: Path
    """cells (.json)"""
    histories: list[Path] = field(default_factory=list)
    """…/runs/{run}/history.jsonl, where a column shows something of them"""
    over: str | None = None
    """label of the row that others are compared with, where a column shows something of that"""
    planners: list[Path] = field(default_factory=list)
    """…/planners/{system}/{digest}/{chunk}.parquet, where a column shows something of them"""


def main(args: Args) -> None:
    """Write the cells of one table."""
    rows = read_rows(args.rows)
    for key in args.columns:
        column(key)
    evaluation, scores = read_scores(args.scores)
    facts = {
        "scale": args.scale,
        "data": args.data,
        "challenge": args.challenge,
        "rollouts": args.rollouts,
        "evaluation": evaluation,
    }
    histories = read_histories(args.histories)
    planners = read_planners(args.planners)
    write_json(args.out, gather(rows, args.columns, scores, histories, facts, args.over, planners))


def gather(
    rows: list[Row],
    keys: list[str],
    scores: Mapping[str, pd.DataFrame],
    histories: Mapping[str, pd.DataFrame],
    facts: Json,
    over: str | None = None,
    planners: Mapping[str, pd.DataFrame] | None = None,
) -> Json:
    """The cells of a table; see the head of this file. `scores` is what `read_scores` returns, `planners`
    what `read_planners` does.

    Raises InputError where a system has no scores, where systems cover different scenarios, and where
    a column compares with a row that there is not.
    """
    of_planners = PlannerCells(rows, planners or {}) if _shows_planners(keys) else None
    scenarios = common_scenarios(rows, scores)
    compared = dict.fromkeys([COMPARED, *(key for key in keys if COLUMNS[key].of_scores)])
    scored = {key: [by_seed(row, scores, key) for row in rows] for key in compared}
    against = Against.of(rows, over, scored[COMPARED], keys)
    differences = {key: all_pairs(rows, values) for key, values in scored.items()}
    if of_planners is not None:
        facts = {**facts, "planners": of_planners.facts}
        for key in ("rank_log", "value_error"):
            name = COLUMNS[key].source.removeprefix(PLANNERS)
            differences |= {key: of_planners.differences(name)} if key in keys else {}
    return {
        **facts,
        "scenarios": len(scenarios),
        "seeds": max(len(row.systems) for row in rows),
        "columns": list(keys),
        "over": over,
        "rows": [
            {
                "label": row.label,
                "published": row.published,
                "systems": list(row.systems),
                "imported": row.imported,
                "shared": row.shared,
                "cells": {
                    key: _of_planners(row, key, of_planners)
                    if COLUMNS[key].of_planners
                    else _any_cell(row, key, scores, histories, against)
                    for key in keys
                },
            }
            for row in rows
        ],
        "differences": differences,
    }


def sharing(cells: Json) -> str | None:
    """A sentence on what no interval covers because all seeds have it in common; None without such."""
    stages = ", ".join(dict.fromkeys(row["shared"] for row in cells["rows"] if row["shared"]))
    if not stages:
        return None
    return (
        f"All seeds share one run of {stages}: deviations, intervals and verdicts cover the training"
        " after it, and not its own."
    )


def _any_cell(
    row: Row,
    key: str,
    scores: Mapping[str, pd.DataFrame],
    histories: Mapping[str, pd.DataFrame],
    against: Against | None,
) -> Json:
    if COLUMNS[key].of_tokens:
        return _of_tokens(row, key)
    if COLUMNS[key].of_history:
        return _of_history(row, key, histories)
    if COLUMNS[key].of_difference:
        return alone(against.value(row, COLUMNS[key].source.removeprefix(DIFFERENCE)))
    return _cell(by_seed(row, scores, key))


def _shows_planners(keys: list[str]) -> bool:
    return any(COLUMNS[key].of_planners for key in keys)


def _of_planners(row: Row, key: str, planners: PlannerCells) -> Json:
    name = COLUMNS[key].source.removeprefix(PLANNERS)
    if COLUMNS[key].of_pairs:
        return {**alone(None), "pairs": planners.pairs(row, name.removesuffix(".pairs"))}
    return {**alone(planners.value(row, name)), "deviation": planners.deviation(row, name)}


def _of_history(row: Row, key: str, histories: Mapping[str, pd.DataFrame]) -> Json:
    """One cell from what a row's runs logged; null where they log nothing of the kind."""
    name = COLUMNS[key].source.removeprefix("history/")
    logged = [histories[system] for system in row.systems if system in histories]
    means = np.array([_last(history[name]) for history in logged if name in history])
    complete = len(means) == len(row.systems)
    return {
        "mean": number(means.mean()) if complete else None,
        "deviation": number(means.std(ddof=1)) if complete and len(means) > 1 else None,
        "standard_error": None,
        "undefined": 0,
    }


def _last(values: pd.Series) -> float:
    values = values.dropna()  # only some steps validate
    return float(values.tail(max(1, round(LAST * len(values)))).mean())


def _of_tokens(row: Row, key: str) -> Json:
    """One cell from the report on a row's tokens."""
    if row.reconstruction is None:
        raise InputError(f"{row.label}: column `{key}` needs the row's `reconstruction` in --rows.")
    value = read_json(Path(row.reconstruction))
    for name in COLUMNS[key].source.split("/")[1:]:
        value = value[name]
    return alone(None if value is None else float(value))


def alone(value: float | None) -> Json:
    """A cell that is one number."""
    return {"mean": value, "deviation": None, "standard_error": None, "undefined": 0}


def _cell(values: np.ndarray) -> Json:
    """One cell from scores [seeds, scenarios]."""
    means, per_scenario = values.mean(axis=1), values.mean(axis=0)
    seeds, count = values.shape
    error = per_scenario.std(ddof=1) / np.sqrt(count) if count > 1 else np.nan
    return {
        "mean": number(means.mean()),
        "deviation": number(means.std(ddof=1)) if seeds > 1 else None,
        "standard_error": number(error),
        "undefined": int(np.isnan(values).any(axis=0).sum()),
    }
