"""What `make parity` would notice, and that its rollouts are the same everywhere."""

import numpy as np
import pytest

from parity import embedded, policies
from parity.__main__ import report
from parity.compare import ALLOWED, Difference, scores_differ

NOTHING = Difference(0.0, True, 1)
NO_FEATURE_DIFFERS = {name: [NOTHING] for name in ALLOWED}
NO_SCORE_DIFFERS = {2025: {"metametric": 0.0}}


def test_difference_by_hand():
    difference = Difference.between(np.float32([1, 2, np.nan]), np.float32([1, 2.5, np.nan]))
    assert difference == Difference(0.5, True, 3)


def test_a_nan_on_one_side_is_noticed():
    difference = Difference.between(np.float32([1, np.nan]), np.float32([1, 2]))
    assert not difference.same_nan


def test_unequal_indicators_are_counted():
    ours, official = np.array([True, False, True]), np.array([False, False, False])
    assert Difference.between(ours, official).largest == 2


def test_scores_by_hand():
    official = {
        "metrics": {"scenario_id": "a", "metametric": 0.5, "average_displacement_error": 20.0},
        "buckets": {"kinematic_metrics": 0.25, "min_ade": 1.0},
    }
    ours = {"metametric": 0.5, "average_displacement_error": 20.1, "kinematic_metrics": 0.5}
    assert scores_differ(ours, official) == pytest.approx(
        {"metametric": 0, "average_displacement_error": 0.005, "kinematic_metrics": 0.25}
    )


@pytest.mark.parametrize("difference", [Difference(2e-3, True, 1), Difference(0.0, False, 1)])
def test_a_feature_beyond_what_is_allowed_fails(difference, capsys):
    features = NO_FEATURE_DIFFERS | {"distance_to_road_edge": [NOTHING, difference]}
    assert report(features, NO_SCORE_DIFFERS) == 1
    assert "BEYOND" in capsys.readouterr().out


def test_a_score_beyond_what_is_allowed_fails():
    assert report(NO_FEATURE_DIFFERS, {2025: {"metametric": 2e-5}}) == 1


def test_no_difference_passes():
    assert report(NO_FEATURE_DIFFERS, NO_SCORE_DIFFERS) == 0


@pytest.mark.parametrize("policy", policies.POLICIES)
def test_rollouts_are_finite_and_repeatable(policy):
    scenario, _ = embedded.read("odd")
    rollouts = policies.rollouts_of(scenario, policy)
    assert rollouts.shape == (32, len(scenario.simulated), 80, 4)
    assert np.isfinite(rollouts).all()
    assert policies.digest(rollouts) == policies.digest(policies.rollouts_of(scenario, policy))
