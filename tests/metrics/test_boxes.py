"""Distances of rounded boxes against arithmetic on paper and against another algorithm."""

from itertools import product
from math import hypot, pi, sqrt

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull

from simagents.geometry import box_corners
from simagents.metrics.boxes import FAR, distance_to_nearest_object, outline, signed_distance
from simagents.metrics.concatenation import Pairs


def distance(pose, size, other_pose, other_size):
    rows = (pose, size, other_pose, other_size)
    return signed_distance(*(torch.tensor(row)[:, None].float() for row in rows)).item()


CAR = (4.0, 2.0)


@pytest.mark.parametrize("heading", [0.0, pi, -pi, 2 * pi, 7 * pi])
@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (7.0, 0.0, 3.0),  # bumper to bumper: 7 - 2 - 2
        (4.0, 0.0, 0.0),  # touching
        (3.0, 0.0, -1.0),  # overlapping by a metre along and two across
        (0.0, 5.0, 3.0),  # side by side
        (0.0, 0.0, -2.0),  # the same place: out of it by two half widths
        # Corner to corner: rounding by 0.7 leaves cores of 2.6 x 0.6, 1.4 apart on both axes.
        (4.0, 2.0, 1.4 * sqrt(2) - 1.4),
    ],
)
def test_parallel_cars(x, y, expected, heading):
    assert distance((0, 0, 0), CAR, (x, y, heading), CAR) == pytest.approx(expected, abs=1e-5)


def test_contained_box():
    """A box of 1 x 1 in the middle of a car leaves over the side: half a width plus a half."""
    assert distance((0, 0, 0), CAR, (0, 0, 0), (1, 1)) == pytest.approx(-1.5, abs=1e-6)


def test_crossing_cars():
    """A car across the road ahead: 5 m less half a length and half a width."""
    assert distance((0, 0, 0), CAR, (5, 0, pi / 2), CAR) == pytest.approx(2.0, abs=1e-5)


def test_point_like_agents_keep_their_distance():
    assert distance((0, 0, 0), (0, 0), (3, 4, 1), (0, 0)) == pytest.approx(5.0)


def test_outlines_are_box_corners_to_the_last_bit():
    pose, size = random_boxes(300, 5000.0)
    expected = box_corners(pose, *size.T).permute(1, 2, 0)
    assert torch.equal(outline(*pose.T, *size.T), expected)


def by_convex_hull(pose, size, other_pose, other_size):
    """The same in float64 from the hull of all differences of corners."""
    margin, other_margin = min(size) * 0.35, min(other_size) * 0.35
    a = box_corners(pose.double(), *(size.double() - 2 * margin)).numpy()
    b = box_corners(other_pose.double(), *(other_size.double() - 2 * other_margin)).numpy()
    points = (a[:, None] - b[None]).reshape(-1, 2)
    hull = ConvexHull(points)
    outwards = hull.equations[:, 2].max()
    if outwards > 0:
        start, end = points[hull.simplices[:, 0]], points[hull.simplices[:, 1]]
        way = end - start
        part = np.clip(-(start * way).sum(1) / (way**2).sum(1), 0, 1)
        outwards = np.linalg.norm(start + part[:, None] * way, axis=1).min()
    return float(outwards - margin - other_margin)


def random_boxes(count, spread):
    generator = torch.manual_seed(1)
    pose = torch.randn(count, 3, generator=generator) * torch.tensor([spread, spread, 4.0])
    return pose, torch.rand(count, 2, generator=generator) * 5 + 0.3


def test_random_boxes_against_the_convex_hull():
    pose, size = random_boxes(400, 3.0)
    ours = signed_distance(*(part.T for part in (pose[:200], size[:200], pose[200:], size[200:])))
    for i in range(200):
        expected = by_convex_hull(pose[i], size[i], pose[200 + i], size[200 + i])
        assert ours[i].item() == pytest.approx(expected, abs=2e-5)
    assert (ours < 0).any()
    assert (ours > 0).any()


def nearest(poses, size, evaluated, valid):
    size = torch.cat([size, torch.ones(len(size), 1)], dim=1)
    evaluated = torch.tensor(evaluated)
    others = Pairs.of(torch.arange(len(size)) != evaluated[:, None])
    planar = poses.transpose(1, 2).contiguous()
    return distance_to_nearest_object(planar, size, evaluated, others, valid).transpose(0, 1)


def test_culling_loses_no_neighbour():
    """All pairs measured, for 5 rollouts of 12 agents in 3 steps, some of them invalid."""
    pose, size = random_boxes(5 * 12 * 3, 6.0)
    planar = pose.T.reshape(3, 5, 12, 3)
    size = size[:12]
    valid = torch.rand(12, 3, generator=torch.manual_seed(2)) > 0.2
    found = nearest(planar, size, [4, 7], valid)
    for rollout, (i, agent), step in product(range(5), enumerate([4, 7]), range(3)):
        others = [o for o in range(12) if o != agent and valid[o, step] and valid[agent, step]]
        here = planar[:, rollout, :, step].T
        measured = [
            distance(here[agent].tolist(), size[agent].tolist(), here[o].tolist(), size[o].tolist())
            for o in others
        ]
        assert found[rollout, i, step].item() == pytest.approx(min(measured, default=FAR))


def test_nobody_else():
    alone = nearest(torch.zeros(3, 2, 1, 3), torch.tensor([CAR]), [0], torch.ones(1, 3).bool())
    assert (alone == FAR).all()


def test_invalid_agents_are_far_from_everybody():
    poses = torch.zeros(3, 1, 2, 2)
    poses[0, :, 1] = 10.0
    valid = torch.tensor([[True, False], [True, True]])
    found = nearest(poses, torch.tensor([CAR, CAR]), [0, 1], valid)
    assert found[0, :, 1].tolist() == [FAR, FAR]
    assert found[0, :, 0].tolist() == pytest.approx([6.0, 6.0], abs=1e-5)


def test_far_from_the_origin_only_float32_is_lost():
    """At 8 km a float32 is good to half a millimetre."""
    near = distance((0, 0, 0.3), CAR, (5, 3, 0.4), CAR)
    far = distance((8192, -8192, 0.3), CAR, (8197, -8189, 0.4), CAR)
    assert far == pytest.approx(near, abs=hypot(1e-3, 1e-3))
