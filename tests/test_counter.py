"""Random numbers that are a function of their coordinates, and random enough."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from simagents.counter import generator, hashed, key_of, uniform

coordinate = st.integers(0, 2**64 - 1)


def test_another_process_draws_the_same():
    ours = [key_of("637f20cafde22ff8"), int(hashed(0, 1, 2)), float(uniform(7, key_of("a"), 3))]
    code = (
        "from simagents.counter import *;"
        "print(key_of('637f20cafde22ff8'), int(hashed(0, 1, 2)), float(uniform(7, key_of('a'), 3)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(map(str, ours))


def test_the_numbers_of_today_are_those_of_tomorrow():
    """Rollouts of published tables hang on these."""
    assert key_of("scenario") == 4675449442540988142
    assert int(hashed(0)) == 16294208416658607535  # the first output of SplitMix64 seeded with 0
    assert float(uniform(1, 2, 3)) == pytest.approx(float(hashed(1, 2, 3)) / 2**64, abs=2**-53)


@pytest.mark.parametrize("axis", range(3))
def test_uniform_along_every_coordinate(axis):
    """20,000 draws in 64 equal bins, chi-square at a fixed seed: p is no accident of the day."""
    coordinates = [5, 6, 7]
    coordinates[axis] = np.arange(20_000)
    draws = uniform(*coordinates)
    assert draws.min() >= 0
    assert draws.max() < 1
    counts = np.histogram(draws, bins=64, range=(0, 1))[0]
    assert chisquare(counts).pvalue > 1e-3


def test_neighbours_are_independent():
    """The pairs (u(i), u(i + 1)) fill the 16 x 16 cells of the square evenly, in both coordinates."""
    draws = uniform(3, np.arange(200)[:, None], np.arange(200))
    for one, other in ((draws[:-1], draws[1:]), (draws[:, :-1], draws[:, 1:])):
        counts = np.histogram2d(one.ravel(), other.ravel(), bins=16, range=[(0, 1), (0, 1)])[0]
        assert chisquare(counts.ravel()).pvalue > 1e-3


def test_broadcasting_order_does_not_matter():
    rollout, agent = np.arange(5), np.arange(7)
    table = uniform(1, rollout[:, None], 2, agent)
    assert table.shape == (5, 7)
    assert np.array_equal(table.T, uniform(1, rollout, 2, agent[:, None]))
    alone = [[float(uniform(1, r, 2, a)) for a in range(7)] for r in range(5)]
    assert np.array_equal(table, alone)
    shuffled = np.random.default_rng(0).permutation(7)
    assert np.array_equal(table[:, shuffled], uniform(1, rollout[:, None], 2, agent[shuffled]))


@given(coordinate, coordinate)
def test_coordinates_do_not_commute(a, b):
    assert (hashed(a, b) == hashed(b, a)) == (a == b)


def test_streams_differ_by_coordinate_and_repeat():
    draw = [generator(1, 2).random(4), generator(1, 3).random(4), generator(1, 2).random(4)]
    assert np.array_equal(draw[0], draw[2])
    assert not np.array_equal(draw[0], draw[1])
