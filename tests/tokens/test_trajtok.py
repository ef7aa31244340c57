"""TrajTok's cells on grids small enough to count by hand."""

import numpy as np
import pytest

from simagents.config.tokenizers import EndPoints, TrajTok
from simagents.tokens import trajtok
from simagents.tokens.motions import SHARE, hermite


def of(end):
    """Even motions to these ends, [n, 3]."""
    return SHARE[:, None] * np.array(end, dtype=float).reshape(-1, 1, 3)


def tokens(motions, agent_class=0, **changes):
    grid = EndPoints(x=[0.0, 4.0, 1.0], y=[-2.0, 2.0, 1.0], at_least=1)
    numbers = dict(mirror=False, reach=0, neighbours=1, curve="hermite")
    numbers |= dict.fromkeys(("vehicle", "pedestrian", "cyclist"), grid)
    settings = TrajTok(rule="trajtok", **{**numbers, **changes})
    return trajtok.tokens(settings, motions, agent_class, np.random.default_rng(0))


def ends(vocabulary):
    return {tuple(end) for end in vocabulary[:, -1, :2].round(6).tolist()}


def test_a_token_is_the_mean_of_its_cell_carried_to_the_grid_point():
    """Ends at 2.1 and 2.3 with headings 0.1 and 0.3: the token goes evenly to 2 and turns by 0.2."""
    vocabulary = tokens(of([[2.1, 0.0, 0.1], [2.3, 0.1, 0.3]]))
    assert ends(vocabulary) == {(0, 0), (2, 0)}
    assert vocabulary[1] == pytest.approx(SHARE[:, None] * [2.0, 0.0, 0.2], abs=1e-9)


RING = [[x, y, 0.2] for x in (1, 2, 3) for y in (-1, 0, 1) if (x, y) != (2, 0)]


def test_lonely_cells_go_and_gaps_are_filled():
    """A ring of eight with nobody in its middle, and a ninth at (4, 2), which touches one corner.

    Counting themselves, cells of the ring have five, corners three or four, the ninth two; the
    middle has eight, and (2, 2), beside a side of the ring, three: not more than three.
    """
    vocabulary = ends(tokens(of([*RING, [4, 2, 0.0]]), reach=1, neighbours=3))
    assert vocabulary == {(0, 0)} | {(x, y) for x in (1, 2, 3) for y in (-1, 0, 1)}
    assert (4, 2) in ends(tokens(of([*RING, [4, 2, 0.0]]), reach=1, neighbours=2))


def test_a_gap_gets_a_curve_with_the_heading_of_its_neighbourhood():
    vocabulary = tokens(of(RING), reach=1, neighbours=3)
    (gap,) = vocabulary[(vocabulary[:, -1, :2] == [2, 0]).all(axis=1)]
    assert gap == pytest.approx(hermite(np.array([[2.0, 0.0, 0.2]]))[0])


def test_what_turns_too_fast_becomes_a_curve():
    """12 degrees in one step of a motion is above 10; what turns by 40 is not counted at all."""
    jerky = of([[2.0, 0.0, 0.0]])
    jerky[0, 3:, 2] = np.deg2rad(12)
    assert tokens(jerky)[1] == pytest.approx(hermite(jerky[:, -1])[0])
    released = tokens(jerky, curve="as_released")[1]
    assert released[-1] == pytest.approx([2, 0, 0])
    jerky[0, 3:, 2] = np.deg2rad(40)
    assert len(tokens(jerky)) == 1


def test_a_cell_needs_enough_motions_and_mirrors_count():
    once = of([[2.0, 1.0, 0.1]])
    grid = EndPoints(x=[0.0, 4.0, 1.0], y=[-2.0, 2.0, 1.0], at_least=2)
    assert ends(tokens(once, vehicle=grid)) == {(0, 0)}
    assert ends(tokens(np.concatenate([once, once]), vehicle=grid)) == {(0, 0), (2, 1)}
    assert ends(tokens(once, mirror=True)) == {(0, 0), (2, 1), (2, -1)}


def test_ends_off_the_grid_are_left_out():
    assert ends(tokens(of([[9.0, 0.0, 0.0], [2.0, -3.0, 0.0]]))) == {(0, 0)}


def test_standing_still_is_one_token_and_not_two():
    vocabulary = tokens(of([[0.1, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    assert sorted(ends(vocabulary)) == [(0, 0), (1, 0)]
    assert len(vocabulary) == 2
