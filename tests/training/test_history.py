"""One line per step; lines after the step that a run resumes from are cut."""

import json
from pathlib import Path

import pytest

from simagents.errors import InputError
from simagents.files import UnwritableError
from simagents.training.resume.history import History, cut_back


def write(folder, first, steps):
    cut_back(folder, first)
    with History(folder, writes=True) as history:
        for step in steps:
            history.add(step, loss=1 / (step + 3), reward=float("nan"))
    return history


def rows(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_numbers_have_six_digits(tmp_path):
    write(tmp_path, 0, [0])
    assert rows(tmp_path)[0]["loss"] == 0.333333


def test_resuming_drops_the_steps_that_are_repeated(tmp_path):
    write(tmp_path, 0, range(5))
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"step": 5, "loss": 0.')
    write(tmp_path, 3, range(3, 6))
    assert [row["step"] for row in rows(tmp_path)] == list(range(6))


def test_a_full_disk_is_reported_once_and_where_all_processes_hear_of_it(tmp_path):
    with (
        pytest.raises(UnwritableError, match=r"history.jsonl: cannot be written \(No space left"),
        History(tmp_path, writes=True) as history,
    ):
        history._file.close()
        history._file = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115
        history.add(0, loss=1.0)
        history.add(1, loss=1.0)
        assert history.refused
        history.sync()


def test_only_one_process_writes(tmp_path):
    with History(tmp_path, writes=False) as history:
        history.add(0, loss=1.0)
        history.export(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_export_is_a_copy(tmp_path):
    write(tmp_path, 0, range(2)).export(tmp_path / "out")
    assert (tmp_path / "out").read_text() == (tmp_path / "history.jsonl").read_text()


def test_a_history_behind_its_save_is_refused(tmp_path):
    """As after the loss of a machine whose disk had the save and not yet the lines before it."""
    write(tmp_path, 0, [0, 1, 2, 5])
    before = (tmp_path / "history.jsonl").read_bytes()
    with pytest.raises(InputError, match=r"of step 6, .* lack 2 of .* the first of them 3; .*anew"):
        cut_back(tmp_path, 6)
    assert (tmp_path / "history.jsonl").read_bytes() == before
    write(tmp_path, 3, [3])
    assert [row["step"] for row in rows(tmp_path)] == [0, 1, 2, 3]
