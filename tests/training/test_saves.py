"""Saves appear whole, are verified before one is loaded, and are removed when they are old."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from simagents.errors import InputError
from simagents.files import UnwritableError
from simagents.training.resume import checkpoint, save_folder
from simagents.training.resume.checkpoint import Checkpoint
from simagents.training.resume.save_folder import last, newest, write

FILES = {"tensors": bytes(range(256)) * 64, "progress": b"{}"}


def test_a_save_of_another_recipe_is_not_continued(tmp_path, monkeypatch):
    """Its weights, rates and thresholds would be those of the other one."""
    schedule = SimpleNamespace(state_dict=dict)
    monkeypatch.setattr(checkpoint, "whole_state", lambda engine: {"weight": torch.ones(1)})
    monkeypatch.setattr(checkpoint, "restore", lambda *given: None)
    monkeypatch.setattr(checkpoint, "from_first", lambda work: work())

    def saves(recipe):
        return Checkpoint(SimpleNamespace(lr_scheduler=schedule), tmp_path, recipe)

    saves("one").save(3, {"beta": 0.5})
    assert saves("one").resume() == {"beta": 0.5}
    with pytest.raises(InputError, match="step3: was saved while another recipe was trained"):
        saves("other").resume()


@pytest.fixture
def folder(tmp_path):
    """A run with saves after two and four steps."""
    for step in (2, 4):
        write(tmp_path / "resume", step, FILES)
    return tmp_path / "resume"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_save_holds_what_was_written_and_a_manifest(folder):
    assert newest(folder) == last(folder) == 4
    assert names(folder) == ["step2", "step4"]
    assert names(folder / "step4") == ["manifest.json", "progress", "tensors"]
    assert (folder / "step4/tensors").read_bytes() == FILES["tensors"]


def test_two_saves_are_kept(folder):
    write(folder, 10, FILES)
    assert names(folder) == ["step10", "step4"]


def test_a_run_without_saves_starts_at_step_0(tmp_path):
    assert newest(tmp_path) == 0


@pytest.mark.parametrize(
    ("damage", "offence"),
    [
        (lambda save: (save / "tensors").write_bytes(b"short"), "holds 5 of the 16384 bytes"),
        (lambda save: (save / "tensors").write_bytes(bytes(16384)), "not what was written"),
        (lambda save: (save / "tensors").unlink(), "no readable tensors (No such file"),
        (lambda save: (save / "manifest.json").unlink(), "no readable manifest.json"),
        (lambda save: (save / "manifest.json").write_bytes(b"\xff{"), "no readable manifest.json"),
        (lambda save: (save / "manifest.json").write_text("[]"), "no readable manifest.json"),
    ],
)
def test_a_damaged_save_is_named_and_the_one_before_taken(folder, capsys, damage, offence):
    damage(folder / "step4")
    assert newest(folder) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"simagents: {folder}/step4 holds") or "step4 has no" in message
    assert offence in message
    assert message.endswith("; resuming from step 2.\n")
    assert message.count("\n") == 1
    assert not (folder / "step4").exists()
    assert newest(folder) == last(folder) == 2
    assert capsys.readouterr().err == ""


def test_a_run_with_no_whole_save_is_refused(folder):
    for step in (2, 4):
        (folder / f"step{step}/progress").unlink()
    with pytest.raises(InputError, match=r"no save is whole \(step4 .*; step2 .*delete the folder"):
        newest(folder)
    assert {"step2", "step4"} <= set(names(folder))


def test_partial_files_of_a_killed_run_are_removed(folder):
    """Half a save, half a history."""
    (folder / ".step8.partial").mkdir()
    (folder / ".step8.partial/tensors").write_bytes(b"half")
    (folder / ".history.jsonl.17.partial").write_text("half")
    (folder / "history.jsonl").write_text("whole")
    assert newest(folder) == 4
    assert names(folder) == ["history.jsonl", "step2", "step4"]


@pytest.mark.parametrize("file", ["tensors", "progress", "manifest.json"])
def test_a_full_disk_leaves_the_saves_before_as_they_were(folder, monkeypatch, file):
    """Whichever file it is that finds no room."""
    real = os.fsync

    def full(descriptor):
        if f"/{file}" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(save_folder.os, "fsync", full)
    with pytest.raises(UnwritableError, match=r"step6: cannot be written \(No space left"):
        write(folder, 6, FILES)
    assert names(folder) == ["step2", "step4"]
    assert newest(folder) == 4
