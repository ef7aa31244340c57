"""Logged tracks are filled, completed and repaired as the text says."""

import numpy as np
import pytest

from simagents.tokens.tracks import clean_tracks, interpolated_height

ORIGIN = np.zeros(2)


@pytest.fixture
def car(street):
    """One car at 10 m/s: x = t, in steps of 0.1 s."""
    scenario = street()
    scenario.velocity[..., 0] = 10
    return scenario


def clean(scenario):
    pose, valid = clean_tracks(scenario, np.array([0]), ORIGIN)
    return pose[0], valid[0]


def hide(scenario, *steps):
    """WOMD's rows of zeros where nobody was seen."""
    for array in (scenario.valid, scenario.position, scenario.heading, scenario.velocity):
        array[0, list(steps)] = 0


def test_a_whole_track_stays_as_it_is(car):
    pose, valid = clean(car)
    assert valid.all()
    assert pose[:, 0] == pytest.approx(np.arange(91), abs=1e-4)
    assert np.all(pose[:, 1:] == 0)


def test_gaps_are_filled_linearly_and_the_end_is_not(car):
    hide(car, *range(30, 40), *range(80, 91))
    pose, valid = clean(car)
    assert pose[30:40, 0] == pytest.approx(np.arange(30, 40), abs=1e-4)
    assert valid[:80].all()
    assert not valid[80:].any()


def test_headings_are_interpolated_the_short_way_round(car):
    car.heading[0, :50] = 3.1
    car.heading[0, 50:] = -3.1
    hide(car, *range(45, 55))
    heading = clean(car)[0][44:56, 2]
    assert (np.abs(heading) > 3.09).all()
    assert (np.abs(heading) <= np.pi).all()


@pytest.mark.parametrize(("first", "back"), [(0, 0), (3, 0), (5, 5), (7, 5), (9, 5), (10, 5)])
def test_tracks_begin_at_a_token_boundary(car, first, back):
    """Extended at constant velocity to the boundary before; one that begins at step 10 gets a
    whole token of history.
    """
    hide(car, *range(first))
    pose, valid = clean(car)
    assert valid.argmax() == back
    assert pose[back:, 0] == pytest.approx(np.arange(back, 91), abs=1e-3)


def test_without_extension_tracks_begin_where_the_log_does(car):
    hide(car, *range(8), *range(20, 25))
    _, valid = clean_tracks(car, np.array([0]), ORIGIN, extended=False)
    assert valid[0].tolist() == [False] * 8 + [True] * 83


def test_the_extension_keeps_the_first_heading(car):
    car.heading[0] = 0.3
    hide(car, *range(8))
    pose, _ = clean(car)
    assert pose[5:, 2] == pytest.approx(0.3)


def test_a_jump_of_the_heading_is_held_back(car):
    """Half a turn for three steps is a fault of the log; 1.4 rad in one step is believed."""
    car.heading[0, 40:43] = np.pi
    assert np.all(clean(car)[0][:, 2] == 0)
    car.heading[0, 40:43] = 1.4
    assert clean(car)[0][38:44, 2] == pytest.approx([0, 0, 1.4, 1.4, 1.4, 0], abs=1e-6)


def test_positions_count_from_the_origin(car):
    pose, _ = clean_tracks(car, np.array([0]), np.array([100.0, -3.0]))
    assert pose[0, 10, :2] == pytest.approx([-90, 3], abs=1e-4)


def test_heights_are_interpolated_and_held_at_the_ends(car):
    """0.75 m until step 20, 1.75 m from step 30 on; not seen from 21 to 29, before 5, after 80."""
    car.position[0, 30:, 2] += 1
    hide(car, *range(5), *range(21, 30), *range(81, 91))
    height = interpolated_height(car, np.array([0]))[0]
    assert height[[0, 20, 25, 30, 90]] == pytest.approx([0.75, 0.75, 1.25, 1.75, 1.75])
