"""Every feature and every score against the official evaluator 1.6.7.

The synthetic scenarios of `tests/parity/golden` are always compared with; real ones are not ours to
distribute, so SIMAGENTS_WOMD says where they and their official values are.
"""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from parity import embedded, policies
from parity.compare import DISTANCES, KINEMATIC, PER_STEP
from simagents.metrics import Challenge, LogReference, features, score, statistics_of
from simagents.metrics.challenge import FEATURES
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.womd.decode import decode_scenario

PROJECT = Path(__file__).parents[2]
REAL = Path(os.environ.get("SIMAGENTS_WOMD", PROJECT.parent / "shared/womd")) / "golden"
GOLDEN = embedded.GOLDEN
SHIPPED = [GOLDEN / scene / name for scene, names in embedded.CASES.items() for name in names]
CASES = SHIPPED + sorted(path.parent for path in REAL.glob("*/*/official.json"))
SCENES = list(dict.fromkeys(case.parent for case in CASES))
CONFIGURATIONS = {
    "2023": Challenge.of(2023),
    "2024": Challenge.of(2024),
    "2025": Challenge.of(2025),
    # What evaluators before 1.6.5 say; the present one, for synthetic scenarios, cannot say it.
    "2024_code1.6.4": replace(Challenge.of(2024), time_to_collision_of_all=True),
}

every_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.parent.name}-{case.name}" for case in CASES]
)
every_scene = pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])


@cache
def scenario_of(scene: Path) -> Scenario:
    if scene.parent == GOLDEN:
        return embedded.read(scene.name)[0]
    return decode_scenario((scene / "scenario.pb").read_bytes(), str(scene))


@cache
def reference_of(scene: Path, configuration: str) -> LogReference:
    return LogReference.of(scenario_of(scene), CONFIGURATIONS[configuration])


@cache
def official_of(case: Path) -> dict:
    return json.loads((case / "official.json").read_text())


@cache
def features_of(case: Path):
    if (case / "rollouts.npz").exists():
        arrays = np.load(case / "rollouts.npz")
        rollouts = np.stack([arrays[name] for name in ("x", "y", "z", "heading")], axis=-1)
    else:
        rollouts = policies.rollouts_of(scenario_of(case.parent), case.name)
        assert policies.digest(rollouts) == official_of(case)["rollouts"], "other rollouts"
    return features(reference_of(case.parent, "2025"), torch.from_numpy(rollouts))


def assert_official(ours, official, kept=slice(None)):
    """`kept` are the rollouts whose numbers per step the official values have."""
    for name in KINEMATIC:  # the same arithmetic to the last bit, so NaN and bin edges agree
        np.testing.assert_array_equal(getattr(ours, name)[kept], official[name], name)
    for name in DISTANCES:
        ours_here = getattr(ours, name)[kept]
        np.testing.assert_allclose(ours_here, official[name], 0, 1e-3, err_msg=name)
    seconds = ours.time_to_collision[kept]
    np.testing.assert_allclose(seconds, official["time_to_collision"], 0, 1e-5)
    for name in PER_STEP:
        np.testing.assert_array_equal(getattr(ours, name), official[name], name)
    ade = official["average_displacement_error"]
    np.testing.assert_allclose(ours.average_displacement_error, ade, 2e-6, 1e-7)


@every_case
def test_features_of_rollouts(case):
    if case in SHIPPED:
        official = np.load(case / "features.npz")
        assert_official(features_of(case), official, official["rollout"])
    else:
        assert_official(features_of(case), np.load(case / "sim_features.npz"))


@every_scene
def test_features_of_the_log(scene):
    reference = reference_of(scene, "2025")
    official = np.load(scene / "log_features.npz")
    assert_official(reference.scene.log_features(), official)
    np.testing.assert_array_equal(reference.valid, official["valid"][0])


@every_case
def test_scores(case):
    """Likelihoods agree to 2e-7, which no value in another bin would leave."""
    configurations = official_of(case)["configs"]
    assert set(configurations) >= {"2023", "2024", "2025"}
    for configuration, official in configurations.items():
        reference = reference_of(case.parent, configuration)
        ours = score(reference, statistics_of(reference, features_of(case))).numbers()
        buckets = {
            name: value
            for name, value in official.get("buckets", {}).items()
            if name.endswith("_metrics")
        }
        for name, value in (official["metrics"] | buckets).items():
            if name == "scenario_id":
                continue
            error = 1e-5 if name.endswith("displacement_error") else 2e-7
            assert ours[name] == pytest.approx(value, rel=1e-6, abs=error), (configuration, name)


@pytest.mark.skipif(not (REAL / "constants.json").exists(), reason=f"no constants.json in {REAL}")
@pytest.mark.parametrize("year", ["2023", "2024", "2025"])
def test_configuration(year):
    ours = CONFIGURATIONS[year]
    official = json.loads((REAL / "constants.json").read_text())[year]
    assert {name for name in official if not name.startswith("_")} == set(FEATURES)
    for name in FEATURES:
        assert np.float32(ours.weights[name]) == np.float32(official[name]["weight"])
        if official[name]["estimator"] == "histogram":
            assert ours.histograms[name].edges.tolist() == official[name]["edges_float32"]
