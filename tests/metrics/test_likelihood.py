"""Bins, frequencies and likelihoods by hand."""

from math import exp, log, nan

import pytest
import torch

from simagents.errors import InputError
from simagents.metrics.challenge import FEATURES, Challenge, Histogram
from simagents.metrics.likelihood import bernoulli_likelihood, bins, counted, histogram_likelihood

FOUR = Histogram(0.0, 4.0, 4)


def test_bins_are_open_on_the_right_but_for_the_last():
    values = torch.tensor([-9.0, 0.0, 0.99, 1.0, 3.0, 4.0, 9.0])
    assert bins(values, FOUR).tolist() == [0, 0, 0, 1, 3, 3, 3]


def test_nan_counts_in_the_last_bin():
    assert bins(torch.tensor([nan]), FOUR).tolist() == [3]


def test_counts():
    index = torch.tensor([[0, 1, 1, 3], [2, 2, 2, 2]])
    assert counted(index, 4).tolist() == [[1, 2, 0, 1], [0, 0, 4, 0]]
    valid = torch.tensor([[True, True, False, False], [True, False, False, True]])
    assert counted(index, 4, valid).tolist() == [[1, 1, 0, 0], [0, 0, 2, 0]]


ONE = torch.tensor([1])
BOTH = torch.tensor([2])
"""Evaluated agents of the only scene."""


def double(rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_histogram_by_hand():
    """Two agents, two bins, ten values each, smoothed to (count + 0.1) / 10.2.

    The log has three scored values of the first agent in the bin with 9 counts, and one of the
    second in an empty one: exp((3 log(9.1 / 10.2) + log(0.1 / 10.2)) / 4).
    """
    counts = double([[[9, 1], [0, 10]]])
    logged = double([[3, 0], [1, 0]])
    expected = exp((3 * log(9.1 / 10.2) + log(0.1 / 10.2)) / 4)
    assert histogram_likelihood(counts, logged, BOTH).item() == pytest.approx(expected)


def test_bernoulli_by_hand():
    """Of 32 rollouts none agrees with the first agent's collision, all with the second's none."""
    happened, rollouts = double([[0, 0]]), double([32])
    found = bernoulli_likelihood(happened, rollouts, torch.tensor([True, False]), BOTH)
    expected = exp((log(0.001 / 32.002) + log(32.001 / 32.002)) / 2)
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("outcome", [0, 32])
def test_full_agreement_is_not_quite_one(outcome):
    logged = torch.tensor([outcome == 32])
    found = bernoulli_likelihood(double([[outcome]]), double([32]), logged, ONE)
    assert found.item() == pytest.approx(32.001 / 32.002, abs=1e-12)


def test_nothing_to_score_is_nan():
    assert histogram_likelihood(double([[[5, 5]]]), double([[0, 0]]), ONE).isnan().all()
    assert histogram_likelihood(double([[[0, 0]]]), double([[1, 0]]), ONE).isnan().all()
    assert (
        bernoulli_likelihood(double([[0]]), double([0]), torch.tensor([False]), ONE).isnan().all()
    )


def test_scenes_are_means_of_their_own_agents():
    """The first scene has one agent, the second two: nothing of the one enters the other."""
    counts = double([[[9, 1], [0, 10], [4, 6]]])
    logged = double([[3, 0], [1, 0], [2, 5]])
    found = histogram_likelihood(counts, logged, torch.tensor([1, 2]))
    assert torch.equal(found[0], histogram_likelihood(counts[:, :1], logged[:1], ONE)[0])
    assert torch.equal(found[1], histogram_likelihood(counts[:, 1:], logged[1:], BOTH)[0])


@pytest.mark.parametrize("year", [2023, 2024, 2025])
def test_edges_are_ascending_and_end_exactly(year):
    for histogram in Challenge.of(year).histograms.values():
        edges = histogram.edges
        assert len(edges) == histogram.bins + 1
        assert (edges.diff() > 0).all()
        assert edges[0] == torch.tensor(histogram.low)
        assert edges[-1] == torch.tensor(histogram.high)


@pytest.mark.parametrize(("year", "total"), [(2023, 0.99), (2024, 1.0), (2025, 1.0)])
def test_weights(year, total):
    weights = Challenge.of(year).weights
    assert tuple(weights) == FEATURES
    assert sum(weights.values()) == pytest.approx(total)


@pytest.mark.parametrize(("year", "bin_of_zero"), [(2023, (0.0, 3.0)), (2025, (-1.0909, 1.0909))])
def test_no_acceleration_sits_on_an_edge_in_2023(year, bin_of_zero):
    histogram = Challenge.of(year).histograms["linear_acceleration"]
    index = bins(torch.zeros(1), histogram).item()
    assert histogram.edges[index : index + 2].tolist() == pytest.approx(bin_of_zero, abs=1e-3)


def test_unknown_year():
    with pytest.raises(InputError, match="no challenge year 2022; choose one of 2023, 2024, 2025"):
        Challenge.of(2022)
