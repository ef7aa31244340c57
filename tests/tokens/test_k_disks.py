"""k-disks on shapes of one point, where the disks can be seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simagents.tokens.k_disks import k_disks

ON_A_LINE = np.array([[[x, 0.0]] for x in (0.0, 0.05, 0.5, 0.58, 0.66, 3.0)])


def groups(points, **changes):
    arguments = {"size": 10, "tolerance": 0.1, "generator": np.random.default_rng(0), **changes}
    return [group.tolist() for group in k_disks(points, **arguments)]


def test_by_hand():
    """Disks of radius 0.1 on a line: 0 takes 0.05; of 0.5, 0.58, 0.66 the middle one takes all, the
    others leave one out; 3 is alone.
    """
    disks = groups(ON_A_LINE, first=0)
    assert disks[0] == [0, 1]
    rest = sorted(disks[1:])
    assert rest in ([[2, 3], [4], [5]], [[2, 3, 4], [5]], [[2], [3, 4], [5]])


def test_the_distance_is_a_mean_over_points():
    """Two points, 0.15 m and 0 apart: 0.075 on average, within 0.1."""
    shapes = np.array([[[0.0, 0.0], [1.0, 0.0]], [[0.15, 0.0], [1.0, 0.0]]])
    assert groups(shapes, first=0) == [[0, 1]]
    assert groups(shapes, first=0, tolerance=0.07) == [[0], [1]]


def test_the_radius_itself_is_outside():
    shapes = np.array([[[0.0, 0.0]], [[0.25, 0.0]]])
    assert groups(shapes, first=0, tolerance=0.25) == [[0], [1]]


def test_it_stops_at_the_size_asked():
    assert len(groups(ON_A_LINE, size=2)) == 2
    assert len(groups(ON_A_LINE, size=100)) in (3, 4)
    assert groups(ON_A_LINE[:0]) == []


def test_the_seed_decides():
    points = np.random.default_rng(1).normal(size=(50, 1, 2))
    same = [groups(points, generator=np.random.default_rng(3)) for _ in range(2)]
    assert same[0] == same[1]
    assert groups(points, generator=np.random.default_rng(4)) != same[0]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=30), st.floats(0.01, 1.0))
def test_groups_cover_everything_once_and_are_disks(xs, tolerance):
    points = np.array([[[x, 0.0]] for x in xs])
    disks = groups(points, tolerance=tolerance, size=100)
    assert sorted(sum(disks, [])) == list(range(len(xs)))
    for group in disks:
        spread = np.ptp(points[group, 0, 0])
        assert spread < 2 * tolerance


@pytest.mark.parametrize("seed", range(3))
def test_frequent_shapes_come_early(seed):
    """A cloud of 500 like shapes against 20 that are alone."""
    rng = np.random.default_rng(seed)
    cloud = rng.normal(0, 0.01, (500, 1, 2))
    alone = np.arange(1, 21).reshape(-1, 1, 1) * np.ones((1, 1, 2))
    disks = groups(np.concatenate([cloud, alone]), size=2, generator=rng)
    assert max(map(len, disks)) == 500
