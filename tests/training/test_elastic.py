"""A save of any number of processes, under any ZeRO stage, resumes on any other number and stage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STAGES = (0, 1, 2)
VALUE = {"start": 0.0, "weight": 0.5, "warmup": 0.25, "learning_rate": 1e-2}
ALGORITHM = {
    "name": "policy_gradient",
    "reward": {"kind": "realism", "challenge": 2025, "scored": "rollout"},
    "credit": {"rule": "gae", "discount": 1.0, "gae_lambda": 0.95, "value": VALUE},
    "whiten": False, "surrogate": {"kind": "on_policy"}, "log_prob": "mean", "divergence": None,
    "sampling": {"top_k": 16, "temperature": 1.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory, recipe_of):
    """How every save was resumed. The gradient is clipped in every step."""
    folder = tmp_path_factory.mktemp("elastic")
    recipe = folder.with_suffix(".json")
    content = recipe_of(algorithm=ALGORITHM, optimiser={"clip": 0.1})
    recipe.write_text(content.model_dump_json())
    finished = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("elastic.py")), str(recipe), str(folder)],
        capture_output=True, text=True, timeout=180, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads((folder / "report.json").read_text())


ALL = [(processes, stage) for processes in (1, 2) for stage in STAGES]


def test_every_save_was_resumed_in_every_way(reports):
    assert len(reports) == len(ALL) ** 2 == 36


@pytest.mark.parametrize(("processes", "stage"), ALL)
@pytest.mark.parametrize(("later_processes", "later_stage"), ALL)
def test_a_run_resumes_however_it_is_shared(
    reports, processes, stage, later_processes, later_stage
):
    """Weights, moments and rates arrive to the bit, and the same processes and stage go on to the bit.

    Others differ by rounding: they add the gradients of a batch in another order, and DeepSpeed's
    norm under stages 1 and 2 is a float32 sum whose order depends on the parts. The value head has
    warmed up for half of the saved steps.
    """
    report = reports[f"{processes}-{stage} to {later_processes}-{later_stage}"]
    assert report["same_save"]
    unchanged = (processes, stage) == (later_processes, later_stage)
    assert report["difference"] <= (0 if unchanged else 1e-6)
