"""A save of any number of processes, under any ZeRO stage, is one of any other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("train")

STAGES = (0, 1, 2)


@pytest.fixture(scope="module")
def reports(tmp_path_factory, recipe_of):
    """How every save went on."""
    folder = tmp_path_factory.mktemp("elastic")
    coefficients = {"passes": 1, "value_learning_rate": 1e-2, "value_warmup": 0.25}
    recipe = folder.with_suffix(".json")
    recipe.write_text(recipe_of(coefficients=coefficients).model_dump_json())
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("elastic.py")), str(recipe), str(folder)],
        capture_output=True, text=True, timeout=180, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "report.json").read_text())


ALL = [(world, stage) for world in (1, 2) for stage in STAGES]


def test_all_ways_were_gone(reports):
    assert len(reports) == len(ALL) ** 2 == 36


@pytest.mark.parametrize(("world", "stage"), ALL)
@pytest.mark.parametrize(("then", "other"), ALL)
def test_a_run_goes_on_however_it_is_shared(reports, world, stage, then, other):
    """Weights, moments and rates arrive to the bit; what follows agrees to rounding, and to the bit
    where nothing changed. The value head has warmed up for half of the saved steps.
    """
    found = reports[f"{world}-{stage} to {then}-{other}"]
    assert found["kept"]
    assert found["apart"] <= (0 if (world, stage) == (then, other) else 1e-6)
