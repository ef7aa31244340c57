"""Dividing the work of a step changes no number: one process or two, one micro-batch or several."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = 25
RUNS = {
    "two processes": (2, 0.1, []),
    "one process, two turns": (1, 0.1, []),
    "two turns without dropout": (1, 0.0, []),
    "two scenes at once without dropout": (1, 0.0, ["--micro-batch", "2"]),
}
"""Processes, dropout and options; a step has two scenes."""


@pytest.fixture(scope="module")
def losses(disk, recipe_of, tiny, tmp_path_factory):
    """The loss of every step of behaviour cloning, by run."""
    folder: Path = tmp_path_factory.mktemp("runs")
    commands = []
    for name, (processes, dropout, extra) in RUNS.items():
        model = {**tiny, "dropout": dropout, "history_drop": dropout}
        recipe = folder / f"{name}.json"
        recipe.write_text(recipe_of(model=model, budget={"steps": STEPS}).model_dump_json())
        outputs = ("resume", "weights", "history", "provenance")
        files = {option: [folder / f"{name}.{option}"] for option in outputs}
        files |= {"recipe": [recipe], "tokens": disk.tokens, "scenarios": disk.scenarios}
        files |= {"vocabulary": [disk.vocabulary]}
        words = [word for option, paths in files.items() for word in (f"--{option}", *paths)]
        commands.append([processes, [*map(str, words), "--workers", "0", *extra]])
    finished = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("forks.py")), json.dumps(commands)],
        capture_output=True, text=True, timeout=900, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    logged = {name: (folder / f"{name}.history").read_text().splitlines() for name in RUNS}
    return {name: [json.loads(row)["loss"] for row in rows] for name, rows in logged.items()}


def test_losses_fall(losses):
    for by_step in losses.values():
        assert len(by_step) == STEPS
        assert by_step[-1] < 0.9 * by_step[0]


def test_two_processes_and_two_turns_of_one_have_the_same_losses(losses):
    """Dropout included: its masks belong to a micro-batch, whoever computes it."""
    assert losses["two processes"] == losses["one process, two turns"]


def test_two_scenes_at_once_and_in_two_turns_have_the_same_losses(losses):
    """At first to 1e-5, the last digit that is logged; then training multiplies differences of rounding, on
    some processors by a hundred within twenty steps.

    Without dropout: its masks are those of a micro-batch.
    """
    at_once, in_turns = (
        losses[f"two {what} without dropout"] for what in ("scenes at once", "turns")
    )
    assert at_once[:5] == pytest.approx(in_turns[:5], rel=0, abs=1.001e-5)
    assert at_once == pytest.approx(in_turns, rel=0, abs=1e-3)
