"""`simagents train` with other processes on the same run, and on a full disk."""

import json
import os
import signal
import socket
import subprocess
import sys
from time import monotonic

import pytest

from simagents.errors import InputError
from simagents.files import UnwritableError
from simagents.training.resume.lease import Lease
from simagents.training.resume.stopping import Queue

STEPS = 8


@pytest.fixture(scope="module")
def recipe(recipe_of, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "recipe.json"
    path.write_text(recipe_of(budget={"steps": STEPS}).model_dump_json())
    return path


def losses(folder):
    rows = (folder / "history").read_text().splitlines()
    return [json.loads(row)["loss"] for row in rows]


def test_a_newcomer_is_handed_the_run(start, whole, tmp_path, wait_for, finish):
    """Both run on one node at once. The first saves and ends with 75; the newcomer resumes."""
    rows = tmp_path / "resume/history.jsonl"
    orphan = start(tmp_path)
    wait_for(orphan, lambda: rows.exists() and rows.read_text())
    orphan.send_signal(signal.SIGSTOP)
    newcomer = start(tmp_path)
    wait_for(newcomer, lambda: Lease(tmp_path / "resume").contested())
    orphan.send_signal(signal.SIGCONT)
    finish(orphan, code=75)
    output = finish(newcomer)
    assert f"process {orphan.pid} on " in output
    assert (tmp_path / "weights").read_bytes() == (whole / "weights").read_bytes()
    assert losses(tmp_path) == losses(whole)


FAILS = """
from simagents import cli
from simagents.training import train

def fail(*_):
    raise RuntimeError("out of memory")

train.autocast = fail
cli.main()
"""


def test_a_process_that_fails_ends_with_the_processes_that_read_its_data(start, tmp_path, finish):
    """These ignore SIGTERM, and end when it does."""
    failing = start(tmp_path, "--workers", "1", program=(sys.executable, "-c", FAILS))
    assert "RuntimeError: out of memory" in finish(failing, code=1)


FULL = """
from simagents import cli
from simagents.training.resume.history import History

opened = History.__init__

def full(self, folder, writes):
    opened(self, folder, writes)
    if writes:
        self._file = open("/dev/full", "w", buffering=1)

History.__init__ = full
cli.main()
"""


def test_a_refused_line_of_the_log_ends_all_processes(start, tmp_path, finish):
    """None is left waiting for the first, which alone writes."""
    program = (sys.executable, "-c", FULL)
    output = finish(start(tmp_path, processes=2, program=program), code=1)
    assert "history.jsonl: cannot be written (No space left on device)" in output
    assert "Connection closed" not in output


def test_a_holder_that_does_not_stop_is_named(tmp_path, capsys):
    """This process holds the run and never checks the queue."""
    lease, queue = Lease(tmp_path), Queue(tmp_path, patience=0.0)
    assert lease.take()
    name = f"{tmp_path}: process {os.getpid()} on {socket.gethostname()}"
    with pytest.raises(InputError, match=f"{name} has not handed this run over"):
        queue.advance()
    patient = Queue(tmp_path, patience=3600.0)
    assert not patient.advance()
    assert capsys.readouterr().err.startswith(f"simagents: {name} trains this run; waiting")
    patient.patience = 0.0
    with pytest.raises(InputError, match="end it and start again"):
        patient.advance()
    for one in (queue, patient):
        one.leave()
    assert not lease.contested()
    lease.release()


def test_a_resume_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "resume").touch()
    with pytest.raises(UnwritableError, match=r"resume: cannot be written \(File exists\)"):
        Queue(tmp_path / "resume", patience=0.0).advance()


@pytest.fixture
def small_disk(tmp_path, whole):
    """A disk with room for two saves and a half."""
    save = sum(path.stat().st_blocks * 512 for path in (whole / "resume/step6").iterdir())
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={save * 5 // 2}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_both_processes_end_and_the_run_resumes_when_there_is_room(
    start, whole, small_disk, tmp_path, finish
):
    """The third save does not fit: one sentence, and the other process does not wait."""
    (tmp_path / "resume").symlink_to(small_disk)
    start_time = monotonic()
    output = finish(start(tmp_path, processes=2), code=1)  # torchrun's own code
    assert monotonic() - start_time < 60
    (sentence,) = [line for line in output.splitlines() if "simagents: " in line]
    assert sentence.endswith(
        f"simagents: {tmp_path}/resume/step6: cannot be written (No space left on device);"
        " make room and start again: the run continues from step 4."
    )
    assert "exitcode  : 74" in output
    assert {path.name for path in small_disk.iterdir() if path.is_dir()} == {"step2", "step4"}
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    finish(start(tmp_path))
    assert (tmp_path / "weights").read_bytes() == (whole / "weights").read_bytes()
