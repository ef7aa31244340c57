"""A cell names all that made it, says what is not there, and shows no number of other runs."""

import json
import shutil
from pathlib import Path

import pytest

from simagents.config.changes import flat
from simagents.config.imports import ImportedModel
from simagents.config.reading import read
from simagents.errors import InputError
from simagents.files import write_json
from simagents.planning.plan import Plan
from simagents.planning.runs import Import, Run
from simagents.trace import cell
from simagents.trace.cell import traced
from simagents.trace.lineage import changes
from simagents.trace.place import Place
from simagents.trace.text import as_text

ROOT = Path(__file__).parents[2]
CHAIN = ("rft_sft", "rft", "sft", "bc")


@pytest.fixture(scope="module")
def plan():
    return Plan.of(read(ROOT, {"scale": "demo", "data": "default"}))


@pytest.fixture
def trace(plan, tmp_path):
    """What is known of a cell of a folder in which only the tests' files are."""

    def of(table, row, column, seed=None, plan=plan):
        return traced(plan, tmp_path, Place.of(plan, table, row, column), seed)

    return of


@pytest.fixture
def finished(plan, tmp_path):
    """Writes what training leaves of each run of a row: two steps of 1.5 and 2.5 s, on 3 and 4 s of CPU."""

    def write(system, cpu=True, commit="0123456789"):
        while isinstance(system, Run):
            folder = tmp_path / plan.results / "runs" / system.id
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "model.safetensors").touch()
            rows = [{"step": 0, "seconds": 1.5}, {"step": 1, "seconds": 2.5}]
            for row, seconds in zip(rows, (3.0, 4.0), strict=True):
                row |= {"cpu_seconds": seconds} if cpu else {}
            (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            content = {
                "commit": commit, "python": "3.11.7", "packages": {"torch": "2.13.0"},
                "machine": "Linux x86_64",
            }  # fmt: skip
            if cpu:
                content["hardware"] = {"cpu": "Z80", "cores": 2, "memory_gb": 8.0, "gpu": None}
                content["processes"] = 2
            write_json(folder / "provenance.json", content)
            system = system.parent

    return write


@pytest.fixture
def gathered(plan, tmp_path):
    """Writes the cells of a table: row n has the mean n / 10 everywhere; rows differ by 0.1 ± 0.05."""

    def write(name, **other):
        table = plan.tables[name]
        rows = [
            {
                "label": row.label,
                "systems": [system.id for system in row.systems],
                "cells": {
                    key: {"mean": n / 10, "deviation": None, "standard_error": 0.01, "undefined": 0}
                    for key in table.settings.columns
                },
            }
            for n, row in enumerate(table.rows)
        ]
        pairs = [
            {"row": row, "to": to, "mean": 0.1, "low": 0.05, "high": 0.15, "p": 0.02, "covers": "x"}
            for row in range(len(rows))
            for to in range(row)
        ]
        content = {
            "evaluation": plan.evaluation_id(table.evaluation),
            "columns": list(table.settings.columns),
            "over": table.settings.over,
            "scenarios": 24,
            "rows": rows,
            "differences": {"metametric": pairs},
            "planners": {"settings": plan.planners_id},
        }
        write_json(tmp_path / plan.results / "tables" / f"{name}.json", content | other)

    return write


def test_a_cell_that_is_made_names_all_that_made_it(plan, trace, finished, gathered):
    """Two steps: 1.5 + 2.5 = 4 s, and 3 + 4 = 7 s of CPU. The last of three rows has the mean 0.2."""
    finished(plan.tables["leaderboard"].rows[2].systems[0])
    gathered("leaderboard")
    told = trace("leaderboard", "rft_sft", "metametric")
    assert (told["state"], told["printed"], told["scenarios"]) == ("made", "0.2000", 24)
    (chain,) = told["runs"]
    assert tuple(run["stage"] for run in chain) == CHAIN
    for run in chain:
        assert (run["steps"], run["wall_seconds"], run["cpu_seconds"]) == (2, 4.0, 7.0)
        assert (run["provenance"]["commit"], run["provenance"]["clean"]) == ("0123456789", True)
        assert run["data"] == plan.training_id
        assert (run["tokens"], run["tokenizer"]) == (plan.default_tokens, "k_disks")
    assert told["evaluation"]["digest"] == plan.evaluation_id("wosac_2025")
    (source,) = told["sources"]
    digest = told["evaluation"]["digest"]
    assert source["path"] == f"results/demo/scores/{chain[0]['id']}/{digest}/0.parquet"
    text = as_text(told)
    assert "value     0.2000 (from results/demo/tables/leaderboard.json)" in text
    assert "commit    0123456789, tree clean" in text
    assert "hardware  Linux x86_64; Z80, 2 cores, 8.0 GB, GPU none" in text
    assert (
        "time      4 s in 2 steps, without reading data, validation and saves; CPU time 7 s; processes 2"
        in text
    )


def test_differences_are_the_row_s_minus_the_others(trace, gathered):
    """The middle row is 0.1 above the first one, and the last one 0.1 above it: -0.1 with turned ends."""
    gathered("leaderboard")
    first, last = trace("leaderboard", "sft", "metametric")["differences"]
    assert (first["minus"], first["mean"], first["low"], first["high"]) == ("BC", 0.1, 0.05, 0.15)
    assert (last["mean"], last["low"], last["high"]) == (-0.1, -0.15, -0.05)


def test_an_interval_of_one_seed_has_no_p(trace, gathered):
    pair = {"row": 1, "to": 0, "mean": 0.1, "low": 0.05, "high": 0.15, "p": 0.02}
    gathered("leaderboard", differences={"metametric": [pair | {"covers": "one seed"}]})
    text = as_text(trace("leaderboard", "sft", "metametric"))
    assert "0.05 to 0.15 over scenarios alone: one seed gives no verdict" in text
    assert "p 0.02" not in text
    assert "Scale: demo; not comparable with published numbers" in text
    gathered("leaderboard", differences={"metametric": [pair | {"covers": "seeds and scenarios"}]})
    text = as_text(trace("leaderboard", "sft", "metametric"))
    assert "0.05 to 0.15, p 0.02, over seeds and scenarios" in text


def test_a_cell_of_pairs_has_a_number_for_each_row(plan, trace, gathered, tmp_path):
    gathered("planner_rank_pairs")
    path = tmp_path / plan.results / "tables/planner_rank_pairs.json"
    content = json.loads(path.read_text())
    rows = content["rows"]
    pairs = [{"value": 0.5, "low": 0.4, "high": 0.6} for _ in rows]
    pairs[0] = {"value": 0.9, "low": None, "high": None}
    rows[0]["cells"]["rank_pairs"] |= {"mean": None, "pairs": pairs}
    write_json(path, content)
    lines = as_text(trace("planner_rank_pairs", "log", "rank_pairs")).splitlines()
    first, second = plan.tables["planner_rank_pairs"].rows[:2]
    assert f"          with {first.label}: 0.9" in lines
    assert f"          with {second.label}: 0.5, 95 % interval 0.4 to 0.6" in lines


def test_nothing_there_is_planned_and_says_how_to_make_it(trace):
    told = trace("leaderboard", "rft_sft", "metametric")
    assert (told["state"], told["cell"]) == ("planned, not made", None)
    assert not any(run["made"] for run in told["runs"][0])
    text = as_text(told)
    assert "make it   snakemake results/demo/tables/leaderboard.tex" in text
    assert text.count("planned, not made") == 3 + len(CHAIN)  # cells, scores, threshold, runs


@pytest.mark.parametrize(
    "other", [{"evaluation": "ffffffffff"}, {"columns": ["ade"]}, {"rows": []}]
)
def test_cells_of_other_runs_scores_or_columns_show_no_number(trace, gathered, other):
    gathered("leaderboard", **other)
    told = trace("leaderboard", "rft_sft", "metametric")
    assert (told["state"], told["cell"], told["printed"]) == ("outdated", None, None)
    assert "no number of it is shown" in as_text(told)


def test_drives_among_other_agents_are_not_those_of_the_plan(trace, gathered):
    gathered("planner_ranks", planners={"settings": "0123456789"})
    told = trace("planner_ranks", "bc", "rank_log")
    assert (told["state"], told["cell"]) == ("outdated", None)


def test_what_an_older_version_did_not_record_is_said(plan, trace, finished):
    finished(plan.tables["leaderboard"].rows[2].systems[0], cpu=False, commit="0123456789+changes")
    told = trace("leaderboard", "rft_sft", "metametric")
    assert told["runs"][0][0]["cpu_seconds"] is None
    text = as_text(told)
    assert "commit    0123456789, tree with changes" in text
    assert text.count("not recorded") == 3 * len(CHAIN)  # hardware, CPU time, processes


def test_a_recipe_is_its_parent_s_and_the_changes(plan):
    """Of every run of the plan; a key without a value is one that the recipe does not have."""
    runs = [run for run in plan.runs.values() if run.parent]
    assert len(runs) > 20
    for run in runs:
        before, after = (
            dict(flat(r.recipe.model_dump(mode="json"), ".")) for r in (run.parent, run)
        )
        told = changes(run.parent, run)
        assert all(old != new for old, new in told.values())
        made = before | {key: new for key, (_, new) in told.items()}
        made |= {"stage": run.stage, "parent": run.parent.id}
        assert {k: v for k, v in made.items() if v is not None} == {
            k: v for k, v in after.items() if v is not None
        }


def test_of_an_imported_parent_only_the_model_is_known(plan):
    """Its recipe has a budget and a seed that describe nothing."""
    sft = plan.tables["leaderboard"].rows[1].systems[0]
    imported = Import("bc", Path(), ImportedModel(sft.parent.recipe, "w", "v"), "t")
    told = changes(imported, sft)
    assert told["budget.steps"] == [None, sft.recipe.budget.steps]
    assert not [key for key in told if key.startswith("model.")]


def test_every_row_and_column_of_the_demo_has_a_trace(plan, trace):
    for name, table in plan.tables.items():
        label, keys = table.rows[-1].label, table.settings.columns
        cells = [(label, key) for key in keys] + [(row.label, keys[0]) for row in table.rows]
        for row, key in cells:
            told = trace(name, row, key)
            assert told["sources"] or told["column"]["source"].startswith("history/")
            assert as_text(told)


def test_columns_name_the_files_that_they_come_from(trace):
    (log,) = trace("alpha", "sft", "kl")["sources"]
    assert log["path"].endswith("history.jsonl")
    (report,) = trace("tokenizers", "TrajTok", "dead_tokens")["sources"]
    assert report["path"].endswith("reconstruction.json")
    drives = trace("planner_ranks", "bc", "rank_log")["sources"]
    assert [each["path"].split("/")[2] for each in drives] == ["planners", "planners"]
    both = [each["path"] for each in trace("paired_tests", "BC", "p")["sources"]]
    assert len(both) == 2  # the row and the one that it is compared with


def test_one_seed_of_several(trace):
    plan = Plan.of(read(ROOT, {"scale": "demo", "seeds": [0, 1]}))
    both = trace("leaderboard", "sft", "metametric", plan=plan)
    assert [chain[0]["seed"] for chain in both["runs"]] == [0, 1]
    one = trace("leaderboard", "sft", "metametric", 1, plan)
    assert [chain[0]["seed"] for chain in one["runs"]] == [1]
    assert one["sources"] == both["sources"]  # the number is of all seeds
    with pytest.raises(InputError, match=r"--seed: unknown value `7`; valid values are 0, 1"):
        trace("leaderboard", "sft", "metametric", 7, plan)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("alhpa", "sft", "kl"), "TABLE: unknown value `alhpa`; did you mean `alpha`?"),
        (("sweeps", "sft", "kl"), "TABLE: unknown value `sweeps`"),
        (("alpha", "sff", "kl"), "ROW of alpha: unknown value `sff`; did you mean `sft`?"),
        (("alpha", "rft", "kl"), "ROW: 3 rows of alpha are `rft`; name one by a run of it"),
        (("alpha", "sft", "metametrik"), "did you mean `metametric`?"),
        (("alpha", "sft", "offroad_rate"), "COLUMN of alpha: unknown value `offroad_rate`"),
    ],
)
def test_a_slip_names_the_nearest(trace, words, sentence):
    with pytest.raises(InputError) as refused:
        trace(*words)
    assert sentence in str(refused.value)


def test_a_row_has_many_names(plan):
    label = r"$\alpha_0+1\sigma$"
    run = next(row for row in plan.tables["alpha"].rows if row.label == label).systems[0]
    for name in (label, "alpha_0+1sigma", run.id):
        assert Place.of(plan, "alpha", name, "Realism").row.label == label


def test_the_command_prints_json_and_passes_choices_on(tmp_path, capsys):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "config.yaml", tmp_path)
    args = cell.Args("alpha", "sft", "kl", scale="small", json=True, root=tmp_path)
    cell.main(args)
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == "snakemake results/small/tables/alpha.tex --config scale=small"


def test_a_damaged_history_names_file_and_line(plan, trace, finished, tmp_path):
    system = plan.tables["leaderboard"].rows[2].systems[0]
    finished(system)
    path = tmp_path / plan.results / "runs" / system.id / "history.jsonl"
    path.write_text('{"step": 0, "seconds": 1.5}\n{"step"')
    with pytest.raises(InputError, match=r"history.jsonl, line 2: not valid JSON"):
        trace("leaderboard", "rft_sft", "metametric")
