"""Coefficients that follow the run, by hand."""

import pytest

from simagents.training.learners.controls import DivergenceTarget, RunningMean, control_of


def test_a_running_mean_by_hand():
    """From 0.7, a fifth of the way to 0.8 + 0.1: 0.74, then 0.772."""
    alpha = RunningMean(0.7, rate=0.2, offset=0.1)
    alpha.learned({"reward": 0.8})
    assert alpha.value == pytest.approx(0.74)
    alpha.learned({"reward": 0.8})
    assert alpha.value == pytest.approx(0.772)


@pytest.mark.parametrize(
    ("kl", "beta"), [(0.01, 0.04), (0.02, 0.048856), (0.0, 0.032749), (1e9, 1.0), (-1e9, 0.001)]
)
def test_beta_by_hand(kl, beta):
    """At the target nothing; at twice the target times e^(1/5), at none of it e^(-1/5); and limits."""
    control = DivergenceTarget(0.04, target=0.01, patience=5.0, least=0.001, most=1.0)
    control.learned({"kl": kl})
    assert control.value == pytest.approx(beta, abs=1e-6)


def test_plain_numbers_and_measured_thresholds_are_no_controls():
    assert control_of("alpha", 0.77, None) is None
    assert control_of("alpha", {"parent_mean": 0.0}, 0.7) is None
    assert control_of("beta", 0.04, None) is None


def test_a_running_threshold_starts_from_the_measured_one():
    """Which has the offset in it already."""
    alpha = control_of("alpha", {"parent_mean": -0.01, "running_mean": 0.5}, 0.69)
    assert alpha.value == 0.69
    alpha.learned({"reward": 0.7})
    assert alpha.value == pytest.approx(0.69)
