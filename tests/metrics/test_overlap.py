"""Boxes with sharp corners, by hand and against sampled points."""

import torch

from simagents.metrics.overlap import overlap


def met(x, y, turn, size=(2.0, 1.0), other=(2.0, 1.0)):
    values = torch.tensor([x, y, turn], dtype=torch.float64)
    half = [tuple(torch.tensor(v, dtype=torch.float64) for v in pair) for pair in (size, other)]
    return bool(overlap(values[0], values[1], values[2].cos(), values[2].sin(), *half))


def test_boxes_in_line_overlap_nearer_than_half_their_lengths_together():
    """Half lengths 2 + 2: at 3.99 m they overlap, at 4 m they touch, which is no overlap."""
    assert met(3.99, 0, 0)
    assert not met(4.0, 0, 0)
    assert met(0, 1.99, 0)
    assert not met(0, 2.0, 0)


def test_a_corner_that_only_a_turned_axis_separates():
    """A square of 2 x 2 m turned by 45 degrees reaches 1.414 m along the axes. At (1.8, 1.8) its side is
    2.546 - 1 = 1.546 m from the origin along the diagonal, beyond the corner of the other at 1.414 m; along
    the axes alone they would overlap (1.8 < 1 + 1.414)."""
    square = (1.0, 1.0)
    assert not met(1.8, 1.8, torch.pi / 4, square, square)
    assert met(1.7, 1.7, torch.pi / 4, square, square)


def test_overlap_is_that_of_points_inside_both():
    """200 random pairs: a grid of points finds no overlap where there is none, and nearly all others."""
    generator = torch.manual_seed(0)
    grid = torch.linspace(-1, 1, 41, dtype=torch.float64)
    u, v = torch.meshgrid(grid, grid, indexing="ij")
    missed = 0
    for _ in range(200):
        x, y, turn = (torch.rand(3, generator=generator, dtype=torch.float64) - 0.5) * 7
        size, other = ((torch.rand(2, generator=generator) + 0.3).tolist() for _ in range(2))
        px = x + turn.cos() * u * other[0] - turn.sin() * v * other[1]
        py = y + turn.sin() * u * other[0] + turn.cos() * v * other[1]
        inside = bool(((px.abs() < size[0]) & (py.abs() < size[1])).any())
        exact = met(x, y, turn, size, other)
        assert exact or not inside
        missed += exact and not inside
    assert missed <= 2
