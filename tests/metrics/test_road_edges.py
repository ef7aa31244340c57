"""Signed distance from road edges: signs at corners, bridges, rings, and none at all."""

from math import sqrt

import numpy as np
import pytest
import torch

from simagents.metrics.culling import first_nearest
from simagents.metrics.road_edges import INVALID, RoadEdges, distance_to_road_edge


def edges_of(street, *lines):
    return RoadEdges.of(street(edges=lines))


def signed(edges, *points):
    points = torch.tensor(points, dtype=torch.float32).T.contiguous()
    return edges.signed_distance(points, in_one_scene(points), budget=1 << 16).tolist()


def in_one_scene(points):
    return torch.zeros(points.shape[1], dtype=torch.int64)


def test_the_road_is_on_the_left(street):
    edges = edges_of(street, [(0, 0, 0), (10, 0, 0)])
    assert signed(edges, (5, 2, 0), (5, -3, 0), (5, 0, 0)) == [-2.0, 3.0, 0.0]


def test_beyond_an_open_end_the_line_goes_on(street):
    edges = edges_of(street, [(0, 0, 0), (10, 0, 0)])
    assert signed(edges, (13, 4, 0), (-3, -4, 0)) == [-5.0, 5.0]


def test_outside_a_sharp_convex_corner_is_off_the_road(street):
    """(11, 0.5) is left of the first segment and right of the second."""
    edges = edges_of(street, [(0, 0, 0), (10, 0, 0), (0, 5, 0)])
    assert signed(edges, (11, 0.5, 0)) == pytest.approx([sqrt(1.25)])


def test_outside_a_sharp_concave_corner_is_on_the_road(street):
    """(11, -0.1) is right of the first segment and left of the second."""
    edges = edges_of(street, [(0, 0, 0), (10, 0, 0), (0, -5, 0)])
    assert signed(edges, (11, -0.1, 0)) == pytest.approx([-sqrt(1.01)])


def test_heights_count_threefold_in_the_choice_but_not_in_the_value(street):
    """An edge 2 m aside and 2 m up is sqrt(4 + 36) = 6.3 away: one 6 m aside at grade is nearer."""
    edges = edges_of(street, [(0, 2, 2), (10, 2, 2)], [(0, -6, 0), (10, -6, 0)])
    assert signed(edges, (5, 0, 0)) == [-6.0]
    assert signed(edges, (5, 0, 1)) == [2.0]


def test_a_sloping_edge_is_as_high_as_where_it_is_nearest(street):
    edges = edges_of(street, [(0, 1, 0), (10, 1, 10)], [(0, -4, 0), (10, -4, 0)])
    assert signed(edges, (1, 0, 1), (9, 0, 1)) == [1.0, -4.0]


def test_the_first_of_equally_near_edges_decides(street):
    left, right = [(0, 3, 0), (10, 3, 0)], [(0, -3, 0), (10, -3, 0)]
    assert signed(edges_of(street, left, right), (5, 0, 0)) == [3.0]
    assert signed(edges_of(street, right, left), (5, 0, 0)) == [-3.0]


def test_repeated_points_have_no_side(street):
    edges = edges_of(street, [(0, 0, 0), (0, 0, 0)], [(0, 50, 0), (1, 50, 0)])
    assert signed(edges, (3, 4, 0)) == [0.0]


RING = [(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0), (0, 0.5, 0)]
LONGER = [(x, 50, 0) for x in range(6)]


def test_only_the_longest_rings_are_rings(street):
    """The official code looks for the neighbour beyond the seam at the end of the padding."""
    alone, beside = edges_of(street, RING), edges_of(street, RING, LONGER)
    assert (alone.prior[0].item(), alone.following[3].item()) == (3, 0)
    assert (beside.prior[0].item(), beside.following[3].item()) == (0, 3)
    assert beside.prior[4].item() == 4
    assert beside.following[8].item() == 8


def test_an_open_line_has_no_neighbours_beyond_its_ends(street):
    edges = edges_of(street, RING[:-1])
    assert edges.prior.tolist() == [0, 0, 1]
    assert edges.following.tolist() == [1, 2, 2]


def test_single_points_are_no_edges(street):
    assert edges_of(street, [(0, 0, 0)], [(0, 0, 0), (1, 0, 0)]).first.tolist() == [0, 1]


def test_the_outermost_corner_counts(street):
    """Cars of 4 x 2 m on a street of 12 m: in the middle, 5 m to spare; at y = 5.5, half out."""
    edges = RoadEdges.of(street())
    poses = torch.zeros(4, 3, 1, 1)
    poses[1, :, 0, 0] = torch.tensor([0.0, 5.5, -5.5])
    poses[2] = 0.75
    size = torch.tensor([[4, 2, 1.5]] * 3)
    valid = torch.tensor([[True], [True], [False]])
    scene = torch.zeros(3, dtype=torch.int64)
    found = distance_to_road_edge(edges, poses, size, scene, valid, budget=1 << 16)
    assert found.flatten().tolist() == [-5.0, 0.5, INVALID]


def by_brute_force(edges, points):
    """All pairs, with numpy: first row of the least distance."""
    table, points = edges.segment.numpy(), points.numpy()
    start, way = table[:3, None], table[3:6, None]
    there = points[:, :, None] - start
    square = (way[:2] ** 2).sum(0)
    t = np.divide((there[:2] * way[:2]).sum(0), square, out=np.zeros(there.shape[1:]).astype("f"),
                  where=square > 0)  # fmt: skip
    off = (there - way * t.clip(0, 1)) * np.array([1, 1, 3], np.float32)[:, None, None]
    return np.sqrt((off**2).sum(0)).argmin(1), np.sqrt((off**2).sum(0)).min(1)


@pytest.mark.parametrize("budget", [1, 1000, 1 << 20])
def test_culling_loses_no_segment(street, budget):
    """Steep, long, short and empty segments on three levels; points on, near and far from them."""
    random = np.random.default_rng(0)
    steps = random.normal(size=(30, 25, 3)) * random.choice([0, 0.3, 3, 30], size=(30, 25, 1))
    lines = steps.cumsum(1) * [1, 1, 0.2] + random.normal(size=(30, 1, 3)) * [200, 200, 4] + 3000
    edges = edges_of(street, *lines)
    points = np.concatenate([
        lines[:, ::6].reshape(-1, 3) + random.normal(size=(150, 3)) * [5, 5, 1],
        random.uniform(-400, 400, size=(100, 3)) + 3000,
        random.normal(size=(20, 3)) * 1e5,
    ]).astype(np.float32).T  # fmt: skip
    points = torch.from_numpy(np.ascontiguousarray(points))
    _, least = by_brute_force(edges, points)
    rows = first_nearest(points, in_one_scene(points), edges, budget=budget)
    found = edges.square(points, rows[None])[0].sqrt()
    np.testing.assert_allclose(found, least, rtol=1e-6, atol=1e-5)
