"""What git keeps of a finished scale makes its tables again, and says so when it does not."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simagents.errors import InputError
from simagents.reference import keep, rebuild
from simagents.reference.manifest import Manifest
from simagents.report.columns import COLUMNS

ROOT = Path(__file__).parents[2]
RESULTS = "results/tiny"
SCORES = f"{RESULTS}/scores/baseline-log/0123456789/0.parquet"
RUN = f"{RESULTS}/runs/bc-0123456789"
SCENES = f"{RESULTS}/figures/rollouts"
READ = f"{RESULTS}/runs/sft-0123456789/history.jsonl"
COMMANDS = {
    "cells": "simagents cells --rows '[{\"label\": \"The log\", \"systems\": [\"baseline-log\"]}]'"
    f" --columns metametric --scores {SCORES} --scale demo --data synthetic --challenge 2025"
    f" --rollouts 32 --out {RESULTS}/tables/log.json >logs/log.log 2>&1",
    "table": f"simagents table {RESULTS}/tables/log.json --caption 'The log''s own'"
    f" --out-tex {RESULTS}/tables/log.tex --out-md {RESULTS}/tables/log.md --out-html {RESULTS}/tables/log.html"
    " >logs/log.log 2>&1",
    "figure": f"simagents figure rollouts --out {SCENES}.pdf >logs/log.log 2>&1",
    "train": "torchrun anything",
}  # fmt: skip
FILES = {  # outputs and inputs of each rule
    "cells": ([f"{RESULTS}/tables/log.json"], [SCORES, READ]),
    "table": (
        [f"{RESULTS}/tables/log.{suffix}" for suffix in ("tex", "md", "html")],
        [f"{RESULTS}/tables/log.json", "paper/templates/table.tex.j2"],
    ),
    "figure": ([f"{SCENES}.pdf", f"{SCENES}.png"], [f"{RESULTS}/data/validation/1-shards.txt"]),
    "train": ([f"{RUN}/model.safetensors", f"{RUN}/history.jsonl", f"{RUN}/recipe.json"], [SCORES]),
}  # fmt: skip


def summary(plan="no update"):
    """What `snakemake --detailed-summary` prints: a line for each output, the last job first."""
    head = [
        "output_file",
        "date",
        "rule",
        "log-file(s)",
        "input-file(s)",
        "shellcmd",
        "status",
        "plan",
    ]
    lines = [head]
    for rule in reversed(COMMANDS):
        outputs, inputs = FILES[rule]
        lines += [
            [path, "now", rule, "-", ",".join(inputs), COMMANDS[rule], "ok", plan]
            for path in outputs
        ]
    return ["\t".join(line) for line in lines]


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A workflow's folder with the scores of the log in four scenes, and the table made of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper").symlink_to(ROOT / "paper")
    frame = pd.DataFrame({"scenario_id": list("abcd")})
    for column in filter(lambda column: column.of_scores, COLUMNS.values()):
        for source in filter(None, (column.source, column.over)):
            frame[source] = np.linspace(0.2, 0.8, 4)
    paths = [path for outputs, _ in FILES.values() for path in outputs]
    for path in map(Path, [SCORES, READ, *paths]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    frame.to_parquet(SCORES, index=False)
    for rule in ("cells", "table"):
        (job,) = (job for job in keep.jobs_of(summary()) if job.rule == rule)
        rebuild.run(job.words)
    return tmp_path


@pytest.fixture
def kept(finished):
    """The folder that git keeps, after the workflow's own is gone."""
    keep.keep(finished, list(keep.jobs_of(summary())), RESULTS, finished / "kept")
    (finished / SCORES).unlink()
    return finished / "kept"


def test_scores_and_what_was_made_of_them_are_kept_and_no_weights(kept):
    """Of histories those that a table or a figure reads."""
    names = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()}
    assert names == {
        "manifest.json", "scores/baseline-log/0123456789/0.parquet", "tables/log.json", "tables/log.md",
        "figures/rollouts.png", "runs/sft-0123456789/history.jsonl", "runs/bc-0123456789/recipe.json",
    }  # fmt: skip


def test_commands_are_in_the_order_in_which_they_find_their_inputs(kept):
    """The summary names the table before its cells; pictures of scenes are not drawn again."""
    manifest = Manifest.read(kept)
    assert [step.words[0] for step in manifest.steps] == ["cells", "table"]
    assert manifest.as_made == (f"{SCENES}.png",)


def test_tables_come_out_byte_by_byte(kept, capsys):
    rebuild.main(rebuild.Args(kept))
    assert "0 of 2 files differ" in capsys.readouterr().out
    assert not list(kept.parent.glob("results/tiny/tables/*.partial"))


def test_a_changed_number_is_found_named_and_written_only_when_told(kept, capsys):
    path = kept / "tables" / "log.json"
    right = path.read_text()
    content = json.loads(right)
    content["rows"][0]["cells"]["metametric"]["mean"] += 0.001
    path.write_text(json.dumps(content))
    with pytest.raises(SystemExit) as ended:
        rebuild.main(rebuild.Args(kept))
    assert ended.value.code == 1
    assert "1 of 2 files differ from what was kept: tables/log.json" in capsys.readouterr().out
    rebuild.main(rebuild.Args(kept, write=True))
    assert path.read_text() == right


def test_a_scale_that_is_not_finished_is_refused_and_what_was_kept_remains(finished):
    (finished / "kept").mkdir()
    (finished / "kept" / "old").touch()
    jobs = list(keep.jobs_of(summary(plan="update pending")))
    with pytest.raises(InputError, match="3 of 3 tables and figures are not up to date, such as"):
        keep.keep(finished, jobs, RESULTS, finished / "kept")
    assert (finished / "kept" / "old").exists()


def test_scores_of_real_scenarios_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match="results/demo-womd: is of womd data"):
        keep.main(keep.Args("demo", tmp_path / "kept", config=["data=womd"]))
    assert not (tmp_path / "kept").exists()


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="name a folder that `simagents keep` wrote"):
        Manifest.read(tmp_path)
    (tmp_path / "manifest.json").write_text('{"results": "results/small"}')
    with pytest.raises(InputError, match="not what `simagents keep` writes"):
        Manifest.read(tmp_path)


def test_kept_results_are_made_of_their_scores():
    """Every folder that git keeps, whole: each of its tables and figures, byte by byte."""
    for folder in sorted((ROOT / "results" / "reference").glob("*/")):
        manifest = Manifest.read(folder)
        with rebuild.rebuilt(folder, ROOT, manifest) as results:
            assert rebuild.different(folder, results, manifest) == []
