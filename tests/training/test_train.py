"""`simagents train` as a command: killed and resumed, with one process and with two."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from simagents.training.resume.save_folder import last

STEPS = 12


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, recipe_of, tiny) -> Path:
    """Twelve steps of two scenes, with dropout and a threshold that clips."""
    path = tmp_path_factory.mktemp("recipe") / "recipe.json"
    model = {**tiny, "dropout": 0.1, "history_drop": 0.1}
    path.write_text(
        recipe_of(model=model, budget={"steps": STEPS}, optimiser={"clip": 0.1}).model_dump_json()
    )
    return path


def history(path):
    """The logged rows without times."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]


def test_a_run_leaves_weights_history_and_provenance(whole):
    rows = history(whole / "history")
    assert [row["step"] for row in rows] == list(range(STEPS))
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert all(row["gradient_norm"] > 0 for row in rows)
    made = json.loads((whole / "provenance").read_text())
    assert set(made) >= {"commit", "python", "packages"}
    assert (made["processes"], made["hardware"]["gpu"]) == (1, None)
    assert made["hardware"]["cores"] >= 1
    logged = [json.loads(line) for line in (whole / "history").read_text().splitlines()]
    assert all(row["cpu_seconds"] > 0 for row in logged)
    assert all(tensor.dtype == torch.float32 for tensor in load_file(whole / "weights").values())


def test_the_last_two_saves_are_kept(whole):
    saves = sorted(path.name for path in (whole / "resume").glob("step*"))
    assert saves == ["step10", "step8"]


def everything_in(process):
    """The process and its children: SLURM signals all of them at a time limit."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [process.pid, *map(int, children.split())]


def test_a_run_that_was_stopped_twice_ends_like_one_that_was_not(
    start, whole, tmp_path, wait_for, finish
):
    """After SIGTERM the run saves and exits with 75, and a second SIGTERM changes nothing. SIGKILL
    loses the steps after the last save, and may leave half a line in the history.
    """
    rows = tmp_path / "resume/history.jsonl"

    def saved():
        return last(tmp_path / "resume")

    process = start(tmp_path, "--workers", "1")
    wait_for(process, lambda: rows.exists() and rows.read_text())
    for _ in range(2):
        for pid in everything_in(process):
            os.kill(pid, signal.SIGTERM)
    finish(process, code=75)
    first = saved()
    assert 0 < first < STEPS
    process = start(tmp_path)
    wait_for(process, lambda: saved() > first)
    process.kill()
    finish(process, code=-signal.SIGKILL)
    assert first < saved() < STEPS
    assert not (tmp_path / "weights").exists()
    with rows.open("a") as file:
        file.write('{"step": 7, "lo')
    finish(start(tmp_path))
    assert (tmp_path / "weights").read_bytes() == (whole / "weights").read_bytes()
    assert history(tmp_path / "history") == history(whole / "history")


def test_two_processes_resume_what_one_process_saved(start, whole, tmp_path, finish):
    shutil.copytree(whole / "resume", tmp_path / "resume")
    finish(start(tmp_path, "--zero-stage", "2", processes=2))
    shared, alone = load_file(tmp_path / "weights"), load_file(whole / "weights")
    assert max((shared[name] - alone[name]).abs().max() for name in alone) < 1e-5
    assert len(history(tmp_path / "history")) == STEPS
