"""Power by quadrature against the noncentral t, against simulated experiments, and at its limits."""

from math import inf

import numpy as np
import pytest
from scipy import stats

from simagents.differences import intervals
from simagents.power.detection import (
    GOAL,
    Spread,
    detectable,
    least_scenes,
    least_seeds,
    power,
)

MIXED = Spread(seed=0.02, scene=0.1, residual=0.1)


@pytest.mark.parametrize("p", [0.05, 0.005])
@pytest.mark.parametrize(
    ("spread", "freedom", "count"),
    [(Spread(0.02, 0.0, 0.0), 4, 5), (Spread(0.0, 0.1, 0.0), 23, 24)],
    ids=["seeds", "scenes"],
)
def test_where_one_part_varies_it_is_the_noncentral_t(spread, freedom, count, p):
    true = 0.03
    shift = true / (max(spread.seed, spread.scene) / np.sqrt(count))
    end = stats.t.ppf(1 - p / 2, freedom)
    expected = stats.nct.sf(end, freedom, shift) + stats.nct.cdf(-end, freedom, shift)
    assert power(true, spread, 5, 24, p) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("seeds", "scenes", "true", "spread", "p"),
    [
        (3, 24, 0.10, MIXED, 0.05),
        (5, 24, 0.08, MIXED, 0.05),
        (5, 24, 0.15, MIXED, 0.005),
        (2, 60, 0.20, Spread(0.01, 0.1, 0.05), 0.05),
        (3, 300, 0.022, Spread(0.005, 0.1, 0.0), 0.05),
        (3, 24, 0.0, MIXED, 0.05),
    ],
)
def test_simulated_experiments_get_verdicts_as_often_as_predicted(seeds, scenes, true, spread, p):
    """By the test that the comparison makes, 4,000 times."""
    generator, times = np.random.default_rng(0), 4000
    delta = (
        true
        + spread.seed * generator.standard_normal((times, seeds, 1))
        + spread.scene * generator.standard_normal((times, 1, scenes))
        + spread.residual * generator.standard_normal((times, seeds, scenes))
    )
    predicted = power(true, spread, seeds, scenes, p)
    achieved = np.mean(intervals(delta).p <= p)
    print(seeds, scenes, true, predicted, achieved)
    error = np.sqrt(max(predicted * (1 - predicted), 1e-3) / times)
    assert abs(achieved - predicted) < 3 * error
    if true == 0:
        assert predicted <= p


def test_the_least_counts_reach_the_goal_and_one_less_does_not():
    scenes = least_scenes(0.06, MIXED, 5, 0.05)
    assert power(0.06, MIXED, 5, scenes, 0.05) >= GOAL > power(0.06, MIXED, 5, scenes - 1, 0.05)
    seeds = least_seeds(0.06, MIXED, 100, 0.05)
    assert power(0.06, MIXED, seeds, 100, 0.05) >= GOAL > power(0.06, MIXED, seeds - 1, 100, 0.05)
    least = detectable(MIXED, 5, 100, 0.05)
    assert power(least, MIXED, 5, 100, 0.05) == pytest.approx(GOAL, abs=1e-4)


def test_never_where_the_other_spread_alone_is_too_large():
    assert least_scenes(0.01, MIXED, 3, 0.05) is None
    assert power(0.01, MIXED, 3, inf, 0.05) < GOAL
    assert least_seeds(0.01, MIXED, 24, 0.05) is None


def test_one_seed_resolves_nothing():
    assert power(1.0, MIXED, 1, 1000, 0.05) == 0
    assert detectable(MIXED, 1, 1000, 0.05) is None


def test_what_does_not_vary_is_always_seen():
    assert power(1e-9, Spread(0.0, 0.0, 0.0), 2, 2, 0.05) == 1
