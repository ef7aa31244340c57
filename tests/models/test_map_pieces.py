"""Polylines in pieces, by hand and turned."""

from math import pi

import pytest
import torch

from simagents.models.map_pieces import cut
from simagents.models.scenes import collate

STREET = (((0.0, 0.0, 0.0), (10.0, 0.0, 0.0), (25.0, 0.0, 0.0)), ((0.0, 5.0, 0.0),))


def pieces_of(scenario, metres=10.0, nodes=3):
    return cut(collate([scenario], with_map=True).map, 1, metres, nodes)


def test_a_polyline_of_25_metres_in_pieces_of_at_most_10_by_hand(street):
    """Three pieces of 25 / 3 m with their middles at 25 / 6, 75 / 6 and 125 / 6 m; a stop sign is a point.

    The agent at x = 10 at the current step is the origin.
    """
    pieces = pieces_of(street(lanes=STREET, edges=()))
    assert pieces.of_scene.tolist() == [[0, 1, 2, 3]]
    assert pieces.exists.all()
    third = 25 / 3
    middles = [third / 2 - 10, 1.5 * third - 10, 2.5 * third - 10, -10]
    assert pieces.anchor[:4, 0].tolist() == pytest.approx(middles, abs=1e-5)
    assert pieces.direction.tolist() == [[1, 0], [1, 0], [1, 0], [0, 0], [0, 0]]
    along = [-third / 2, 0, third / 2]
    assert pieces.shape[0, :, 0].tolist() == pytest.approx(along, abs=1e-5)
    assert pieces.node[1, :, 0].tolist() == pytest.approx([m + middles[1] for m in along], abs=1e-5)
    assert not pieces.shape[3:].any()


def test_pieces_follow_the_polyline_around_a_corner(street):
    """10 m east and 10 m north, as one piece: its middle is the corner, its direction north-east; the ends
    are at (0, -+10 / √2) or so in its frame."""
    corner = (((0.0, 0.0, 0.0), (10.0, 0.0, 0.0), (10.0, 10.0, 0.0)),)
    pieces = pieces_of(street(lanes=corner, edges=()), metres=20.0)
    assert pieces.anchor[0].tolist() == pytest.approx([0.0, 0.0], abs=1e-5)
    half = 0.5**0.5
    assert pieces.direction[0].tolist() == pytest.approx([half, half])
    shape = torch.tensor([[-10 * half, 10 * half], [0, 0], [10 * half, 10 * half]])
    assert torch.allclose(pieces.shape[0], shape, atol=1e-5)


def test_nothing_but_places_and_directions_depends_on_how_a_scene_lies(scenarios, moved):
    one, other = (
        pieces_of(each) for each in (scenarios[0], moved(scenarios[0], pi / 3, 40.0, -7.0))
    )
    assert torch.allclose(one.shape, other.shape, atol=1e-3)
    assert torch.allclose(one.anchor.norm(dim=-1), other.anchor.norm(dim=-1), atol=1e-3)
    assert torch.equal(one.kind, other.kind)


def test_scenes_are_padded_with_the_last_row(scenarios):
    of = collate(scenarios, with_map=True).map
    pieces = cut(of, len(scenarios), 20.0, 4)
    counts = pieces.exists.sum(dim=1)
    assert counts.max() == pieces.of_scene.shape[1] > counts.min()
    for scene, rows in enumerate(pieces.of_scene):
        assert (rows[counts[scene] :] == len(pieces.anchor) - 1).all()
    alone = pieces_of(scenarios[1], 20.0, 4)
    assert torch.equal(alone.anchor[:-1], pieces.anchor[pieces.of_scene[1, : counts[1]]])


@pytest.mark.parametrize("places", [(0,), (1,), (2,), (0, 1, 2)])
def test_polylines_without_points_have_no_piece(street, places):
    """Wherever they are among the others; the others' pieces stay as they are."""
    lines = list(STREET)
    for place in places:
        lines.insert(place, ())
    pieces = pieces_of(street(lanes=lines, edges=()))
    expected = pieces_of(street(lanes=STREET, edges=()))
    assert torch.equal(pieces.node, expected.node)
    assert torch.equal(pieces.of_scene, expected.of_scene)
    alone = pieces_of(street(lanes=((),), edges=()))
    assert not alone.exists.any()
