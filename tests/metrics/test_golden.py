"""Every feature and every score against the official evaluator 1.6.7, on real scenarios.

Scenarios and official values are not ours to distribute: SIMAGENTS_WOMD says where they are.
"""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from simagents.metrics import Challenge, LogReference, features, score, statistics_of
from simagents.metrics.challenge import FEATURES
from simagents.scenarios.womd.decode import decode_scenario

PROJECT = Path(__file__).parents[2]
GOLDEN = Path(os.environ.get("SIMAGENTS_WOMD", PROJECT.parent / "shared/womd")) / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/official.json"))

pytestmark = pytest.mark.skipif(not CASES, reason=f"no official values in {GOLDEN}")
every_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.parent.name}-{case.name}" for case in CASES]
)
every_scene = pytest.mark.parametrize("scene", sorted({case.parent for case in CASES}))

KINEMATIC = FEATURES[:4]
DISTANCES = ("distance_to_nearest_object", "distance_to_road_edge")
PER_STEP = ("collision_per_step", "offroad_per_step", "traffic_light_violation_per_step")
CONFIGURATIONS = {
    "2023": Challenge.of(2023),
    "2024": Challenge.of(2024),
    "2025": Challenge.of(2025),
    "2024_code1.6.4": replace(Challenge.of(2024), time_to_collision_of_all=True),
}


@cache
def reference_of(scene: Path, configuration: str) -> LogReference:
    scenario = decode_scenario((scene / "scenario.pb").read_bytes(), str(scene))
    return LogReference.of(scenario, CONFIGURATIONS[configuration])


@cache
def features_of(case: Path):
    arrays = np.load(case / "rollouts.npz")
    rollouts = np.stack([arrays[name] for name in ("x", "y", "z", "heading")], axis=-1)
    return features(reference_of(case.parent, "2025"), torch.from_numpy(rollouts))


def assert_official(ours, official):
    for name in KINEMATIC:  # the same arithmetic to the last bit, so NaN and bin edges agree
        np.testing.assert_array_equal(getattr(ours, name), official[name], name)
    for name in DISTANCES:
        np.testing.assert_allclose(getattr(ours, name), official[name], 0, 1e-3, err_msg=name)
    np.testing.assert_allclose(ours.time_to_collision, official["time_to_collision"], 0, 1e-5)
    for name in PER_STEP:
        np.testing.assert_array_equal(getattr(ours, name), official[name], name)
    ade = official["average_displacement_error"]
    np.testing.assert_allclose(ours.average_displacement_error, ade, 1e-6, 1e-7)


@every_case
def test_features_of_rollouts(case):
    assert_official(features_of(case), np.load(case / "sim_features.npz"))


@every_scene
def test_features_of_the_log(scene):
    reference = reference_of(scene, "2025")
    official = np.load(scene / "log_features.npz")
    assert_official(reference.scene.log_features(), official)
    np.testing.assert_array_equal(reference.valid, official["valid"][0])


@every_case
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_scores(case, configuration):
    reference = reference_of(case.parent, configuration)
    ours = score(reference, statistics_of(reference, features_of(case))).numbers()
    official = json.loads((case / "official.json").read_text())["configs"][configuration]
    buckets = {
        name: value
        for name, value in official.get("buckets", {}).items()
        if name.endswith("_metrics")
    }
    for name, value in (official["metrics"] | buckets).items():
        if name == "scenario_id":
            continue
        error = 1e-5 if name.endswith("displacement_error") else 2e-7
        assert ours[name] == pytest.approx(value, rel=1e-6, abs=error), name


@pytest.mark.parametrize("year", ["2023", "2024", "2025"])
def test_configuration(year):
    ours = CONFIGURATIONS[year]
    official = json.loads((GOLDEN / "constants.json").read_text())[year]
    assert {name for name in official if not name.startswith("_")} == set(FEATURES)
    for name in FEATURES:
        assert np.float32(ours.weights[name]) == np.float32(official[name]["weight"])
        if official[name]["estimator"] == "histogram":
            assert ours.histograms[name].edges.tolist() == official[name]["edges_float32"]
