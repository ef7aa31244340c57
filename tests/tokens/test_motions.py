"""Curves of half a second."""

import numpy as np
import pytest

from simagents.tokens.motions import hermite, mirrored, straight_as_released

ENDS = np.array([[5.0, 0.0, 0.0], [4.0, 1.0, 0.4], [-2.0, 0.0, 0.0], [0.0, 0.3, 0.0]])


def test_curves_end_where_and_as_asked():
    curve = hermite(ENDS)
    assert curve[:, 0] == pytest.approx(0)
    assert curve[:, -1] == pytest.approx(ENDS)
    assert curve[:, :, 2] == pytest.approx(np.linspace(0, 1, 6) * ENDS[:, 2:])


def test_straight_ahead_and_straight_back_are_even():
    """Tangents as long as the chord make the cubic a line at constant speed."""
    curve = hermite(ENDS)
    assert curve[0, :, 0] == pytest.approx(np.linspace(0, 5, 6))
    assert curve[2, :, 0] == pytest.approx(np.linspace(0, -2, 6))


def test_the_released_curve_is_a_line_that_forgets_its_last_heading():
    """Asked for 0.4 rad at (4, 1): it keeps to y = x / 4 and ends with heading 0."""
    line = straight_as_released(ENDS[1:2])[0]
    assert line[:, 1] == pytest.approx(line[:, 0] / 4)
    assert line[[0, -1], 2] == pytest.approx(0)
    assert line[1:-1, 2] == pytest.approx(np.arctan2(1, 4))
    assert line[-1, :2] == pytest.approx([4, 1])


def test_a_mirror_image_of_a_mirror_image_is_the_motion():
    curve = hermite(ENDS)
    assert np.array_equal(mirrored(mirrored(curve)), curve)
    assert mirrored(curve)[1, -1] == pytest.approx([4, -1, -0.4])
