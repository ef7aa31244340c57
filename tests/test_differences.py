"""Intervals over seeds and scenarios: by hand, at their limits, and on simulated data."""

import numpy as np
import pytest
from scipy import stats

from simagents.differences import difference, holm, intervals, paired_t


def test_one_seed_is_the_paired_t_interval_over_scenarios():
    generator = np.random.default_rng(0)
    one, other = generator.normal(size=(2, 1, 20))
    result = difference(one, other)
    expected = stats.ttest_rel(one[0], other[0])
    interval = expected.confidence_interval()
    assert result.p == pytest.approx(expected.pvalue)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))
    assert not result.covers_seeds


def test_paired_t_is_that_of_scipy():
    generator = np.random.default_rng(0)
    for count in (2, 3, 40):
        one, other = generator.normal(size=(2, count))
        expected = stats.ttest_rel(one, other)
        assert paired_t(one, other) == pytest.approx((expected.statistic, expected.pvalue), 1e-13)
    assert np.isnan(paired_t(np.ones(1), np.zeros(1))).all()
    assert np.isnan(paired_t(np.ones(3), np.ones(3))).all()
    assert paired_t(np.ones(3), np.zeros(3)) == (np.inf, 0)


def test_where_seeds_dominate_it_is_the_t_interval_over_seeds():
    """Every scenario alike: three differences 1, 2, 6, mean 3."""
    scores = np.repeat([[1.0], [2.0], [6.0]], 50, axis=1)
    result = difference(scores, np.zeros((1, 50)))
    expected = stats.ttest_1samp([1.0, 2.0, 6.0], 0.0)
    assert result.mean == 3
    assert result.p == pytest.approx(expected.pvalue)
    assert result.covers_seeds


def test_where_scenarios_dominate_it_is_the_t_interval_over_scenarios():
    """Every seed alike."""
    generator = np.random.default_rng(0)
    scores = np.repeat(generator.normal(0.3, 1.0, (1, 30)), 3, axis=0)
    result = difference(scores, np.zeros((3, 30)))
    assert result.p == pytest.approx(stats.ttest_1samp(scores[0], 0.0).pvalue)


def test_pairing_removes_what_both_share():
    generator = np.random.default_rng(0)
    hard = generator.normal(0, 10, (1, 40)) + generator.normal(0, 5, (3, 1))
    noise = generator.normal(0, 0.1, (2, 3, 40))
    paired = difference(hard + noise[0] + 1, hard + noise[1])
    assert paired.high - paired.low < 0.2


def test_nothing_is_said_of_what_is_not_defined():
    result = difference(np.array([[1.0, np.nan]]), np.zeros((1, 2)))
    assert np.isnan([result.mean, result.low, result.high, result.p]).all()
    single = difference(np.ones((1, 1)), np.zeros((1, 1)))
    assert single.mean == 1
    assert np.isnan([single.low, single.high, single.p]).all()


def test_equal_scores_do_not_differ():
    scores = np.random.default_rng(0).normal(size=(3, 10))
    same = difference(scores, scores)
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_holm_by_hand():
    """Of three: 3 x 0.01, 2 x 0.02, and 0.03 not below the one before it."""
    assert holm([0.02, 0.01, 0.03]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    adjusted = holm([np.nan, 0.03])
    assert np.isnan(adjusted[0])
    assert adjusted[1] == pytest.approx(0.03)


def layout(generator, seeds, count, deviations, mean=0.0, times=()):
    """Differences with seeds, scenarios and a residual, all normal, of these deviations."""
    of_seed, of_scenario, residual = deviations
    return (
        mean
        + of_seed * generator.standard_normal((*times, seeds, 1))
        + of_scenario * generator.standard_normal((*times, 1, count))
        + residual * generator.standard_normal((*times, seeds, count))
    )


def test_many_pairs_at_once_are_each_as_alone():
    delta = layout(np.random.default_rng(0), 3, 24, (0.03, 0.1, 0.1), times=(2, 4))
    together = intervals(delta)
    alone = [[difference(pair, np.zeros((1, 24))) for pair in several] for several in delta]
    for name, values in together._asdict().items():
        expected = [[getattr(result, name) for result in several] for several in alone]
        np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_a_p_value_is_the_level_at_which_the_interval_ends_at_zero():
    found = intervals(layout(np.random.default_rng(0), 3, 24, (0.03, 0.1, 0.1), 0.05, (200,)))
    excludes_zero = (found.low > 0) | (found.high < 0)
    assert 0 < excludes_zero.sum() < 200
    np.testing.assert_array_equal(found.p < 0.05, excludes_zero)


MIXED = (0.03, 0.1, 0.1)
"""Deviations of seeds, scenarios and residual, about as measured at demo scale."""


@pytest.mark.parametrize(
    ("seeds", "count", "deviations"),
    [
        (2, 24, MIXED),
        (3, 24, MIXED),
        (3, 24, (0.03, 0.05, 0.05)),
        (3, 24, (0.01, 0.1, 0.1)),
        (3, 100, (0.03, 0.1, 0.05)),
        (3, 880, MIXED),  # here one quantile with Satterthwaite's degrees covers 92.5 %
        (3, 880, (0.002, 0.07, 0.03)),
        (5, 24, MIXED),
        (5, 880, (0.002, 0.07, 0.03)),
        (3, 24, (1.0, 0.0, 0.0)),
        (3, 24, (0.0, 1.0, 0.0)),
        (3, 24, (0.0, 0.0, 1.0)),
    ],
)
def test_intervals_cover_the_truth_about_as_often_as_they_say(seeds, count, deviations):
    """95 to 98 %, up to three errors of 3,000 simulated comparisons."""
    delta = layout(np.random.default_rng(1), seeds, count, deviations, 0.2, (3000,))
    found = intervals(delta)
    covered = np.mean((found.low < 0.2) & (found.high > 0.2))
    print(seeds, count, deviations, covered)
    assert 0.938 < covered < 0.988, covered


def test_scenarios_alone_cover_far_too_little():
    """What an interval over scenarios says when one seed stands for all: the check above can fail."""
    found = intervals(layout(np.random.default_rng(1), 1, 24, (0.03, 0.05, 0.05), times=(2000,)))
    assert np.mean((found.low < 0) & (found.high > 0)) < 0.75


@pytest.mark.parametrize(
    ("seeds", "count", "deviations"),
    [(2, 24, MIXED), (3, 24, MIXED), (3, 200, (0.03, 0.1, 0.02)), (5, 24, MIXED)],
)
def test_a_table_without_differences_has_a_false_verdict_in_at_most_one_of_twenty(
    seeds, count, deviations
):
    """Five equal systems, so ten orderings that share their scores, adjusted by Holm."""
    generator, tables = np.random.default_rng(2), 1000
    of_one_system = [deviation / np.sqrt(2) for deviation in deviations]
    systems = layout(generator, seeds, count, of_one_system, times=(tables, 5))
    first, second = np.triu_indices(5, 1)
    p = intervals(systems[:, first] - systems[:, second]).p
    false = np.mean([min(holm(row)) < 0.05 for row in p.tolist()])
    print(seeds, count, deviations, false)
    assert false < 0.05 + 2 * np.sqrt(0.05 * 0.95 / tables)
