"""Coefficients that follow the run, by hand."""

import pytest

from simagents.config.algorithms import Divergence, DivergenceTarget
from simagents.config.credit import Constant, Rloo, RunningMean
from simagents.errors import InputError
from simagents.training.learners.controls import (
    AdaptiveWeight,
    Fixed,
    ParentRewards,
    RunningThreshold,
    divisor,
    threshold_control,
    weight_control,
)

PARENT = ParentRewards(mean=0.7, deviation=0.08)


def test_a_running_mean_by_hand():
    """From 0.7, a fifth of the way to 0.8 + 0.1: 0.74, then 0.772."""
    alpha = RunningThreshold(0.7, rate=0.2, offset=0.1)
    alpha.follow({"reward": 0.8})
    assert alpha.value == pytest.approx(0.74)
    alpha.follow({"reward": 0.8})
    assert alpha.value == pytest.approx(0.772)


@pytest.mark.parametrize(
    ("kl", "beta"), [(0.01, 0.04), (0.02, 0.048856), (0.0, 0.032749), (1e9, 1.0), (-1e9, 0.001)]
)
def test_beta_by_hand(kl, beta):
    """At the target nothing; at twice the target times e^(1/5), at none of it e^(-1/5); and limits."""
    settings = DivergenceTarget(start=0.04, target=0.01, patience=5.0, least=0.001, most=1.0)
    control = weight_control(Divergence(estimator="k3", beta=settings))
    assert isinstance(control, AdaptiveWeight)
    control.follow({"kl": kl})
    assert control.value == pytest.approx(beta, abs=1e-6)


def test_plain_numbers_stay():
    alpha = threshold_control(Constant(rule="constant", alpha=0.77, divide_by=1.0), None)
    beta = weight_control(Divergence(estimator="k3", beta=0.04))
    for control, value in ((alpha, 0.77), (beta, 0.04)):
        assert isinstance(control, Fixed)
        control.follow({"reward": 0.1, "kl": 9.0})
        assert control.value == value


def test_a_measured_threshold_is_the_parent_s_mean_and_the_offset():
    settings = Constant(rule="constant", alpha={"parent_mean": -0.01}, divide_by=1.0)
    assert settings.calibrated
    assert threshold_control(settings, PARENT).value == pytest.approx(0.69)
    assert divisor(settings, PARENT) == 1.0


@pytest.mark.parametrize("deviation", [None, 0.0, float("nan")])
def test_a_parent_of_equal_rewards_has_no_deviation_to_measure_in(deviation):
    """One held-out scene, or rewards that are all alike."""
    credit = Constant(rule="constant", alpha={"parent_mean": 0.0}, divide_by="parent_deviation")
    parent = ParentRewards(mean=0.7, deviation=deviation)
    assert threshold_control(credit, parent).value == 0.7
    measured = Constant(rule="constant", alpha={"parent_deviations": 1.0}, divide_by=1.0)
    for needs in (lambda: divisor(credit, parent), lambda: threshold_control(measured, parent)):
        with pytest.raises(InputError, match="raise `held_out` of the scenarios, or give"):
            needs()


def test_thresholds_and_advantages_in_deviations_of_the_parent_s_rewards():
    """0.7 - 0.5 x 0.08."""
    settings = Constant(
        rule="constant", alpha={"parent_deviations": -0.5}, divide_by="parent_deviation"
    )
    assert threshold_control(settings, PARENT).value == pytest.approx(0.66)
    assert divisor(settings, PARENT) == 0.08
    assert Constant(rule="constant", alpha=0.7, divide_by="parent_deviation").calibrated
    assert not Constant(rule="constant", alpha=0.7, divide_by=2.0).calibrated


def test_rules_without_a_threshold_have_no_control():
    assert threshold_control(Rloo(rule="rloo"), PARENT) is None


def test_a_running_threshold_starts_from_the_measured_one():
    """And follows the mean reward plus the offset."""
    settings = RunningMean(rule="running_mean", alpha={"parent_mean": -0.01}, rate=0.5)
    alpha = threshold_control(settings, PARENT)
    assert isinstance(alpha, RunningThreshold)
    assert alpha.value == pytest.approx(0.69)
    alpha.follow({"reward": 0.7})
    assert alpha.value == pytest.approx(0.69)
