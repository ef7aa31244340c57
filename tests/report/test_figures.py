"""Figures: what they need, what they refuse, and that equal numbers give equal bytes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.report import rollout_picture, training_curves
from simagents.report.rollout_picture import corners
from simagents.report.view import View
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.scenario import CURRENT
from simagents.scenarios.store import write_scenarios

STYLE = Path(__file__).parents[2] / "paper/paper.mplstyle"


@pytest.fixture
def history(tmp_path):
    """Writes a run's history and returns its path."""

    def write(run, steps=20, **quantities):
        path = tmp_path / "runs" / run / "history.jsonl"
        path.parent.mkdir(parents=True)
        lines = [
            json.dumps(
                {"step": step, **{key: value + 0.01 * step for key, value in quantities.items()}}
            )
            for step in range(steps)
        ]
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def drawn(folder, draw):
    """Draws twice; returns the bytes of PDF and PNG after checking that they are equal."""
    files = []
    for name in ("one", "two"):
        out = folder / name / "figure.pdf"
        draw(out)
        files.append((out.read_bytes(), out.with_suffix(".png").read_bytes()))
    assert files[0] == files[1]
    return files[0]


def test_training_curves_for_every_way_of_learning(tmp_path, history, rows):
    histories = [
        history("bc-1", cross_entropy=3.0, accuracy=0.1, loss=3.0),
        history("sft-1", cross_entropy=2.0, accuracy=0.2, distance_to_log=0.5, gradient_norm=1.0),
        history("rft-1", reward=0.7, advantage=0.01, kl=0.0, entropy=2.0),
        history("rft-2", steps=900, reward=0.7, kl=0.0),
    ]
    given = rows("bc-1", "sft-1", ["rft-1", "rft-2"], "baseline-log")
    pdf, png = drawn(
        tmp_path,
        lambda out: training_curves.main(training_curves.Args(given, histories, out, STYLE)),
    )
    assert pdf.startswith(b"%PDF")
    assert png.startswith(b"\x89PNG")
    assert b"CreationDate" not in pdf


def test_a_run_without_a_history_is_an_error(tmp_path, history, rows):
    args = training_curves.Args(
        rows("bc-1", "sft-1"), [history("bc-1", cross_entropy=3.0)], tmp_path / "f.pdf", STYLE
    )
    with pytest.raises(InputError, match="no history of sft-1"):
        training_curves.main(args)


@pytest.fixture
def pictures(tmp_path, street):
    """A cached street, and pictures of two systems on it."""
    scenario = street
    write_scenarios(tmp_path / "shard.safetensors", [scenario])
    log = scenario.position[:, CURRENT + 1 :]
    poses = np.concatenate([log, scenario.heading[:, CURRENT + 1 :, None]], axis=-1)
    paths = []
    for system, shift in (("baseline-log", 0.0), ("bc-1", 0.5)):
        path = tmp_path / "scores" / system / "0" / "0.pictures.safetensors"
        path.parent.mkdir(parents=True)
        rollouts = poses[None] + shift * np.arange(3, dtype=np.float32)[:, None, None, None]
        with writing_rollouts(path) as keep:
            keep("street", scenario.agent_id, rollouts.astype(np.float32))
        with writing_rollouts(path.with_name("1.pictures.safetensors")):
            pass
        paths += [path, path.with_name("1.pictures.safetensors")]
    return paths


def test_rollout_picture(tmp_path, pictures, rows):
    pdf, png = drawn(
        tmp_path,
        lambda out: rollout_picture.main(
            rollout_picture.Args(
                rows("baseline-log", "bc-1"), pictures, [tmp_path / "shard.safetensors"], out, STYLE
            )
        ),
    )
    assert pdf.startswith(b"%PDF")
    assert len(png) > 10_000


def test_a_system_without_pictures_is_an_error(tmp_path, pictures, rows):
    shards = [tmp_path / "shard.safetensors"]
    args = rollout_picture.Args(
        rows("baseline-log", "rft-1"), pictures, shards, tmp_path / "f.pdf", STYLE
    )
    with pytest.raises(InputError, match="no pictures of rft-1"):
        rollout_picture.main(args)


def test_corners_by_hand():
    """A box of 4 x 2 m at (1, 1) that looks up the y axis: its front left corner is (0, 3)."""
    found = corners(np.array([[1.0, 1.0]]), np.array([np.pi / 2]), np.array([[4.0, 2.0]]))[0]
    np.testing.assert_allclose(found, [[0, 3], [0, -1], [2, -1], [2, 3]], atol=1e-12)


def test_the_recorder_looks_right():
    """It stands at (5, 5) and looks up; 2 m ahead is right, 2 m to its left is up."""
    view = View(np.array([5.0, 5.0]), np.pi / 2, 10.0, 10.0)
    np.testing.assert_allclose(
        view.local(np.array([[5.0, 7.0], [3.0, 5.0]])), [[2, 0], [0, 2]], atol=1e-12
    )


def test_reports_never_load_torch():
    code = (
        "import pkgutil, importlib, sys, simagents.report as report\n"
        "for module in pkgutil.iter_modules(report.__path__):\n"
        "    importlib.import_module(f'simagents.report.{module.name}')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
