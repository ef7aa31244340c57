"""Each year's configuration is the published one."""

import csv
from pathlib import Path

import pytest

from simagents.metrics.challenge import FEATURES, HISTOGRAM_PSEUDOCOUNT, INDICATORS, Challenge

PUBLISHED = Path(__file__).parents[2] / "paper/published/wosac_metric_config.csv"


@pytest.fixture(scope="module")
def published():
    with PUBLISHED.open() as file:
        return {row["feature"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("year", [2023, 2024, 2025])
def test_weights(published, year):
    weights = {name: float(row[f"weight_{year}"]) for name, row in published.items()}
    assert Challenge.of(year).weights == weights


def test_bins_since_2024(published):
    histograms = Challenge.of(2025).histograms
    assert histograms == Challenge.of(2024).histograms
    assert set(histograms) == set(FEATURES) - set(INDICATORS)
    for name, histogram in histograms.items():
        row = published[name]
        bounds = float(row["min_val"]), float(row["max_val"]), int(row["num_bins"])
        assert (histogram.low, histogram.high, histogram.bins) == bounds
        assert float(row["smoothing_pseudocount"]) == HISTOGRAM_PSEUDOCOUNT
