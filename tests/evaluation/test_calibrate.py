"""Calibration measures on the held-out scenes that can be scored, and says how many cannot."""

import json

import pytest

from simagents.errors import InputError
from simagents.evaluation import calibrate

SETTINGS = {
    "rollouts": 2, "held_out": 3, "seed": 0, "sampling": {"top_k": 0, "temperature": 1.0},
    "reward": {"kind": "realism", "challenge": 2025, "scored": "scene"},
}  # fmt: skip


@pytest.fixture
def measure(measured):
    """Calibrates an untrained policy on some scenarios; returns what is written."""

    def run(scenarios, **changes):
        return json.loads(measured(calibrate, scenarios, SETTINGS | changes).read_text())

    return run


def test_scenes_without_a_score_are_left_out(measure, scenarios, without_edges, capsys):
    first, middle, last = scenarios
    all_three = measure(scenarios)
    assert all_three["scenes"] == 3
    assert "cannot be scored" not in capsys.readouterr().err
    two = measure([first, without_edges(middle), last])
    assert "1 of 3 held-out scenes cannot be scored (has no road edge" in capsys.readouterr().err
    assert two["scenes"] == 2
    assert two["mean"] != all_three["mean"]


def test_one_scene_has_no_deviation(measure, scenarios, without_edges):
    first, *others = scenarios
    assert measure([first, *map(without_edges, others)])["deviation"] is None


def test_something_must_be_left(measure, scenarios, without_edges):
    with pytest.raises(InputError, match=r"3 of 3 held-out scenes .* nothing is left for calibr"):
        measure([without_edges(scenario) for scenario in scenarios])
    with pytest.raises(InputError, match="3 training scenes cannot have 4 held out"):
        measure(scenarios, held_out=4)
