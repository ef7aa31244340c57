"""`simagents train` as it is called: killed and started again, alone and on two processes."""

import json
import shutil
import signal
from pathlib import Path
from time import monotonic, sleep

import pytest
import torch
from safetensors.torch import load_file

from simagents.errors import InputError
from simagents.training.checkpoint import lease

pytestmark = pytest.mark.xdist_group("train")  # one after the other: each wants a core or two

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


@pytest.fixture(scope="module")
def start(launch, recipe):
    """Starts a run whose files are in `folder`."""

    def begin(folder, *extra, processes=1):
        return launch(folder, recipe, *extra, processes=processes)

    return begin


def history(path):
    """The logged rows without what a clock says."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in row.items() if not k.startswith("seconds")} for row in rows]


@pytest.fixture(scope="module")
def whole(start, finish, tmp_path_factory):
    """The folder of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    finish(start(folder))
    return folder


def test_a_run_leaves_weights_history_and_provenance(whole):
    rows = history(whole / "history")
    assert [row["step"] for row in rows] == list(range(STEPS))
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert all(row["gradient_norm"] > 0 for row in rows)
    assert set(json.loads((whole / "provenance").read_text())) >= {"commit", "python", "packages"}
    assert all(tensor.dtype == torch.float32 for tensor in load_file(whole / "weights").values())


def test_the_last_two_saves_are_kept(whole):
    saves = sorted(path.name for path in (whole / "resume").glob("step*"))
    assert saves == ["step10", "step8"]
    assert json.loads((whole / "resume/latest.json").read_text()) == {"step": 10}


def stop(process, how, ready):
    """Send a signal as soon as `ready`."""
    deadline = monotonic() + 100
    while not ready() and monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        sleep(0.002)
    process.send_signal(how)


def test_stopped_twice_a_run_ends_as_if_nothing_had_happened(start, whole, tmp_path, finish):
    """SIGTERM saves and asks to be called again; SIGKILL loses what came after the last save, and may
    cut a line of the history short.
    """
    rows, latest = tmp_path / "resume/history.jsonl", tmp_path / "resume/latest.json"

    def saved():
        return json.loads(latest.read_text())["step"] if latest.exists() else 0

    process = start(tmp_path)
    stop(process, signal.SIGTERM, lambda: rows.exists() and rows.read_text())
    finish(process, code=75)
    first = saved()
    assert 0 < first < STEPS
    process = start(tmp_path)
    stop(process, signal.SIGKILL, lambda: saved() > first)
    finish(process, code=-signal.SIGKILL)
    assert first < saved() < STEPS
    assert not (tmp_path / "weights").exists()
    with rows.open("a") as file:
        file.write('{"step": 7, "lo')
    finish(start(tmp_path))
    assert (tmp_path / "weights").read_bytes() == (whole / "weights").read_bytes()
    assert history(tmp_path / "history") == history(whole / "history")


def test_two_processes_learn_what_one_does(start, whole, tmp_path, finish):
    finish(start(tmp_path, processes=2))
    ours, theirs = load_file(tmp_path / "weights"), load_file(whole / "weights")
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.allclose(tensor, theirs[name], rtol=0, atol=1e-5), name
    for one, other in zip(history(tmp_path / "history"), history(whole / "history"), strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_a_second_writer_is_refused(start, whole, tmp_path, finish):
    """While this process holds the folder, the command ends with one sentence and touches nothing."""
    shutil.copytree(whole / "resume", tmp_path / "resume")
    with lease(tmp_path / "resume", rank=0):
        with pytest.raises(InputError, match="another process is training this run"):
            lease(tmp_path / "resume", rank=0).__enter__()
        output = finish(start(tmp_path), code=2)
    assert "resume: another process is training this run; wait or stop it." in output
    assert "Traceback" not in output
    with lease(tmp_path / "resume", rank=0):
        assert not (tmp_path / "weights").exists()
