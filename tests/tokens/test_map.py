"""Polylines become pieces of 5 m with the types that SMART gives them."""

import numpy as np
import pytest

from simagents.scenarios.scenario import LightState, LinkKind, MapKind
from simagents.tokens.map import LightType, PointType, PolygonType, cut_map, nearest_shape

ORIGIN = np.zeros(2)


def line(*xs, y=0.0):
    return [(x, y) for x in xs]


def cut(scenario):
    return cut_map(scenario, ORIGIN)


def test_a_straight_lane_of_12_metres(on_map):
    """A point every metre from 0 to 13; the last is left out, as SMART does. Of 12 m, two pieces are
    whole; the rest of 2 m has its 11 points 0.2 m apart.
    """
    pieces = cut(on_map((MapKind.LANE, 2, line(*range(14)))))
    assert pieces.pose == pytest.approx(np.array([[0, 0, 0], [5, 0, 0], [10, 0, 0]]), abs=1e-6)
    ahead = np.arange(11)
    for shape, spacing in zip(pieces.shape, (0.5, 0.5, 0.2), strict=True):
        assert shape == pytest.approx(np.column_stack([ahead * spacing, 0 * ahead]), abs=1e-5)
    assert pieces.feature.tolist() == [0, 0, 0]


def test_pieces_are_seen_from_their_first_half_metre(on_map):
    """Northwards along x = 3: the pose looks north and the shape lies ahead of it."""
    north = [(3.0, 0.5 * i) for i in range(12)]
    pieces = cut(on_map((MapKind.LANE, 2, north)))
    assert pieces.pose[0] == pytest.approx([3, 0, np.pi / 2], abs=1e-6)
    assert pieces.shape[0, -1] == pytest.approx([5, 0], abs=1e-5)


def test_a_bend_to_the_left_goes_left(on_map):
    angle = np.linspace(0, 1, 60)
    bend = np.column_stack([np.sin(angle), 1 - np.cos(angle)]) * 6
    shape = cut(on_map((MapKind.LANE, 2, bend.tolist()))).shape[0]
    assert (np.diff(shape[:, 1]) >= -1e-6).all()
    assert shape[-1, 1] > 1
    assert np.linalg.norm(np.diff(shape, axis=0), axis=1) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("length", "pieces"), [(5.9, 1), (6.0, 1), (6.1, 2), (0.9, 1), (0.4, 0)])
def test_a_rest_needs_three_points_of_its_own(on_map, length, pieces):
    """Of 6.1 m, 0.5 m apart, three points lie beyond the whole piece's last: 5.5, 6 and 6.1 m; of
    6.0 m two. A line that is shorter than a piece needs three in all.
    """
    points = [*np.linspace(0, length, 7), length + 0.5]
    assert (
        len(
            cut(
                on_map((MapKind.LANE, 2, line(0, 90, 91, 92)), (MapKind.LANE, 2, line(*points)))
            ).pose
        )
        - 1
        == pieces
    )


def test_a_rest_is_compared_at_three_of_its_points(on_map):
    """Beyond 5 m of a line of 8.2 m lie the points 5, 5.5, …, 8, 8.2: eight of them, of which SMART
    keeps the first, the fourth (half of seven, rounded down) and the last. Its heading is that of
    its first half metre.
    """
    pieces = cut(on_map((MapKind.LANE, 2, line(*np.arange(9), 8.2, 9.0))))
    assert pieces.corner[1] == pytest.approx(np.array([[0, 0], [1.5, 0], [3.2, 0]]), abs=1e-5)
    assert pieces.shape[1, ::5] == pytest.approx(np.array([[0, 0], [1.6, 0], [3.2, 0]]), abs=1e-5)
    assert pieces.corner[0] == pytest.approx(pieces.shape[0, ::5])


@pytest.mark.parametrize(("gap", "starts"), [(3.0, [0, 5]), (3.01, [0, 8.01])])
def test_a_gap_of_more_than_3_metres_splits(on_map, gap, starts):
    xs = [*range(6), *(5 + gap + np.arange(8))]
    pieces = cut(on_map((MapKind.ROAD_EDGE, 1, line(*xs))))
    assert pieces.pose[:2, 0] == pytest.approx(starts, abs=1e-5)


def test_lines_of_three_points_or_fewer_give_nothing(on_map):
    """Three points are two without the last, and a token needs three."""
    lane = (MapKind.LANE, 2, line(*range(14)))
    short = [(MapKind.LANE, 2, line(*xs)) for xs in ((0.0,), (0.0, 2.0), (0.0, 2.0, 4.0))]
    spot = (MapKind.ROAD_EDGE, 1, line(1.0, 1.0, 1.0, 1.0))
    assert set(cut(on_map(lane, *short, spot)).feature) == {0}
    assert len(cut(on_map((MapKind.LANE, 2, line(0.0, 2.0, 4.0, 6.0)))).pose) == 1


CROSSWALK = [(0.0, 0.0), (8.0, 0.0), (8.0, 3.0), (0.0, 3.0)]


def test_a_crosswalk_gives_its_long_sides_there_and_back(on_map):
    """8 x 3 m. Each long side is one line of 16 m, there and back, so that its second piece turns
    round: 5 to 8 m and back to 6. The very last point, 1 m from the end, is left out as always.
    """
    pieces = cut(on_map((MapKind.CROSSWALK, 0, CROSSWALK)))
    poses = [(0, 0, 0), (5, 0, 0), (6, 0, np.pi), (8, 3, np.pi), (3, 3, np.pi), (2, 3, 0)]
    assert np.abs(pieces.pose) == pytest.approx(np.array(poses), abs=1e-5)
    assert pieces.corner[1] == pytest.approx(np.array([[0, 0], [2.5, 0], [1, 0]]), abs=1e-5)
    assert set(pieces.point_type) == {PointType.CROSSWALK}
    assert set(pieces.polygon_type) == {PolygonType.CROSSWALK}


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("kind", [MapKind.CROSSWALK, MapKind.SPEED_BUMP, MapKind.DRIVEWAY])
def test_long_sides_are_long_whichever_corner_comes_first(on_map, first, kind):
    pieces = cut(on_map((kind, 0, CROSSWALK[first:] + CROSSWALK[:first])))
    assert set(np.round(pieces.pose[:, 1])) == {0, 3}
    assert np.abs(np.sin(pieces.pose[:, 2])).max() < 1e-5


def test_an_area_of_many_corners_is_its_four_evenly_spaced_ones(on_map):
    """Of eight, the corners 0, 2, 4 and 6; what lies between them is not looked at."""
    between = [(4.0, -9.0), (9.0, 1.0), (4.0, 9.0), (-9.0, 1.0)]
    many = [point for pair in zip(CROSSWALK, between, strict=True) for point in pair]
    one, other = (cut(on_map((MapKind.CROSSWALK, 0, area))) for area in (CROSSWALK, many))
    assert one.pose == pytest.approx(other.pose)


@pytest.mark.parametrize(
    ("kind", "subtype", "point", "polygon"),
    [
        (MapKind.LANE, 0, PointType.SURFACE_STREET, PolygonType.LANE),
        (MapKind.LANE, 1, PointType.FREEWAY, PolygonType.LANE),
        (MapKind.LANE, 3, PointType.BIKE_LANE, PolygonType.LANE),
        (MapKind.ROAD_EDGE, 0, PointType.EDGE_BOUNDARY, PolygonType.ROAD_EDGE),
        (MapKind.ROAD_EDGE, 2, PointType.EDGE_MEDIAN, PolygonType.ROAD_EDGE),
        (MapKind.ROAD_LINE, 1, PointType.BROKEN_LINE, PolygonType.ROAD_LINE),
        (MapKind.ROAD_LINE, 4, PointType.BROKEN_LINE, PolygonType.ROAD_LINE),
        (MapKind.ROAD_LINE, 2, PointType.SOLID_LINE, PolygonType.ROAD_LINE),
        (MapKind.ROAD_LINE, 6, PointType.SOLID_LINE, PolygonType.ROAD_LINE),
        (MapKind.ROAD_LINE, 3, PointType.DOUBLE_LINE, PolygonType.ROAD_LINE),
        (MapKind.ROAD_LINE, 5, PointType.BROKEN_LINE, PolygonType.ROAD_LINE),
        (MapKind.ROAD_LINE, 7, PointType.DOUBLE_LINE, PolygonType.ROAD_LINE),
        (MapKind.ROAD_LINE, 8, PointType.DOUBLE_LINE, PolygonType.ROAD_LINE),
    ],
)
def test_types(on_map, kind, subtype, point, polygon):
    pieces = cut(on_map((kind, subtype, line(*range(14)))))
    assert set(pieces.point_type) == {point}
    assert set(pieces.polygon_type) == {polygon}


def test_a_stop_sign_retypes_the_lanes_it_controls_and_no_bike_lane(on_map):
    """It has no pieces of its own."""
    lanes = [(MapKind.LANE, kind, line(*range(14), y=kind)) for kind in (1, 2, 3, 2)]
    sign = (MapKind.STOP_SIGN, 0, line(9.0))
    link = [(LinkKind.STOPS, 14, lane) for lane in (10, 11, 12)] + [(LinkKind.EXIT, 11, 13)]
    pieces = cut(on_map(*lanes, sign, link=link))
    kinds = {int(f): int(k) for f, k in zip(pieces.feature, pieces.point_type, strict=True)}
    stop = PointType.STOP_SIGN_LANE
    assert kinds == {0: stop, 1: stop, 2: PointType.BIKE_LANE, 3: PointType.SURFACE_STREET}


@pytest.mark.parametrize("state", LightState)
def test_lights_merge_by_name(on_map, state):
    """The state of step 10, on the pieces of its lane only."""
    lanes = [(MapKind.LANE, 2, line(*range(14), y=y)) for y in (0.0, 4.0)]
    scenario = on_map(*lanes, signals=[(11, state)])
    scenario.light_state[:, :10] = LightState.GO
    scenario.light_state[:, 11:] = LightState.GO
    expected = state.name.split("_")[-1]
    expected = LightType.NONE if state is LightState.UNLISTED else LightType[expected]
    pieces = cut(scenario)
    assert set(pieces.light[pieces.feature == 1]) == {expected}
    assert set(pieces.light[pieces.feature == 0]) == {LightType.NONE}


def test_a_signal_over_something_else_than_a_lane_colours_nothing(on_map):
    edge = (MapKind.ROAD_EDGE, 1, line(*range(14)))
    assert set(cut(on_map(edge, signals=[(10, LightState.GO)])).light) == {LightType.NONE}


def test_a_map_without_pieces_is_empty_and_no_failure(on_map, hand_made):
    pieces = cut(on_map((MapKind.STOP_SIGN, 0, line(9.0)), (MapKind.LANE, 2, line(0.0, 9.0))))
    assert pieces.pose.shape == (0, 3)
    assert nearest_shape(pieces.corner, hand_made.map.numpy()).shape == (0,)


def test_the_nearest_shape_is_found_by_three_points(hand_made):
    """Brute force over noisy shapes of the vocabulary."""
    entries = hand_made.map.numpy()
    shapes = entries[[0, 1, 1, 0]] + np.random.default_rng(0).normal(0, 0.2, (4, 11, 2))
    gap = ((shapes[:, None, ::5] - entries[:, ::5]) ** 2).sum(axis=(-1, -2))
    nearest = nearest_shape(shapes[:, ::5], entries)
    assert nearest.tolist() == gap.argmin(axis=1).tolist() == [0, 1, 1, 0]


def test_near_ties_are_decided_by_distance_and_not_by_rounding():
    """Straight pieces whose ends are 20 micrometres apart: some 5 m² are compared to 1e-9 m²."""
    straight = np.column_stack([np.arange(11) / 2, np.zeros(11)])
    ends = 1 + np.arange(20)[:, None, None] * 4e-6
    entries = (straight * ends).astype(np.float32)
    shapes = entries.astype(np.float64) * (1 + 1e-6)
    assert nearest_shape(shapes[:, ::5], entries).tolist() == list(range(20))
