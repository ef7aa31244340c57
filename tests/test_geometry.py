"""Frames, angles and boxes, for any pose."""

from math import pi

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.geometry import box_corners, rotate, to_local, to_world, wrap_angle

metres = st.floats(-1000, 1000)
radians = st.floats(-20, 20)
poses = st.tuples(metres, metres, radians).map(lambda p: torch.tensor(p, dtype=torch.float64))
sides = st.floats(0.1, 20).map(lambda s: torch.tensor(s, dtype=torch.float64))


def assert_same_pose(one, other):
    assert torch.allclose(one[..., :2], other[..., :2], rtol=0, atol=1e-9)
    assert wrap_angle(one[..., 2] - other[..., 2]).abs().max() < 1e-9


@given(poses, poses)
def test_to_local_undoes_to_world(pose, frame):
    assert_same_pose(to_local(to_world(pose, frame), frame), pose)
    assert_same_pose(to_world(to_local(pose, frame), frame), pose)


@given(poses, poses, poses)
def test_frames_compose(pose, inner, outer):
    assert_same_pose(to_world(to_world(pose, inner), outer), to_world(pose, to_world(inner, outer)))


@given(poses)
def test_a_pose_seen_from_itself_is_the_origin(pose):
    assert_same_pose(to_local(pose, pose), torch.zeros(3, dtype=torch.float64))


@given(st.floats(-1e4, 1e4), st.integers(-50, 50))
def test_wrapped_angles_stay_in_range_and_point_the_same_way(angle, turns):
    wrapped = wrap_angle(angle)
    assert -pi <= wrapped < pi
    assert np.cos(wrapped) == pytest.approx(np.cos(angle), abs=1e-9)
    assert np.sin(wrapped) == pytest.approx(np.sin(angle), abs=1e-9)
    again = wrap_angle(wrapped + 2 * pi * turns)
    assert min(abs(again - wrapped), 2 * pi - abs(again - wrapped)) < 1e-9


def test_half_a_turn_is_minus_pi_in_numpy_and_torch():
    assert wrap_angle(pi) == -pi
    assert wrap_angle(np.array([pi, -pi, 3 * pi])) == pytest.approx(-pi)
    assert wrap_angle(torch.tensor([pi], dtype=torch.float64)).item() == -pi


def test_a_quarter_turn_to_the_left():
    assert rotate(2.0, 1.0, 0.0, 1.0) == (-1.0, 2.0)
    ahead = to_world(torch.tensor([3.0, 1.0, 0.0]), torch.tensor([10.0, 20.0, pi / 2]))
    assert ahead.tolist() == pytest.approx([9.0, 23.0, pi / 2], abs=1e-5)


def test_corners_by_hand():
    """A box of 4 x 2 m at (10, 5) that looks north: its left front corner is at (9, 7)."""
    pose = torch.tensor([10.0, 5.0, pi / 2])
    corners = box_corners(pose, torch.tensor(4.0), torch.tensor(2.0))
    assert torch.allclose(corners, torch.tensor([[9.0, 7], [9, 3], [11, 3], [11, 7]]), atol=1e-5)


@given(poses, sides, sides)
def test_corners_of_any_box(pose, length, width):
    """Their mean is the centre, the sides are as long as asked, and they turn counter-clockwise."""
    corner = box_corners(pose, length, width)
    assert torch.allclose(corner.mean(dim=0), pose[:2], atol=1e-9)
    side = (corner - corner.roll(-1, 0)).norm(dim=-1)
    assert torch.allclose(side, torch.stack([length, width, length, width]), atol=1e-9)
    x, y = corner.T
    area = 0.5 * (x * y.roll(-1) - x.roll(-1) * y).sum()
    assert area.item() == pytest.approx((length * width).item(), rel=1e-6, abs=1e-6)
