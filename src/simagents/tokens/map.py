"""Map features -> pieces of 5 m with types, and the vocabulary entry nearest to each piece."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float32, Float64, Int16, Int32, UInt8

from simagents.scenarios.scenario import (
    CURRENT,
    LaneType,
    LightState,
    LinkKind,
    MapKind,
    RoadEdgeType,
    RoadLineType,
    Scenario,
)
from simagents.tokens.pieces import Piece, long_sides, pieces_of, seen_from
from simagents.tokens.vocabulary import MAP_POINTS


class PointType(IntEnum):
    """The feature that a piece was cut from: ten learned embeddings."""

    FREEWAY = 0
    SURFACE_STREET = 1
    STOP_SIGN_LANE = 2
    BIKE_LANE = 3
    EDGE_BOUNDARY = 4
    EDGE_MEDIAN = 5
    BROKEN_LINE = 6
    SOLID_LINE = 7
    DOUBLE_LINE = 8
    CROSSWALK = 9


class PolygonType(IntEnum):
    """The family of a piece: four learned embeddings."""

    LANE = 0
    ROAD_EDGE = 1
    ROAD_LINE = 2
    CROSSWALK = 3


class LightType(IntEnum):
    """The signal over a piece at the current step: five learned embeddings."""

    NONE = 0
    UNKNOWN = 1
    STOP = 2
    GO = 3
    CAUTION = 4


_LIGHT = {
    LightState.UNLISTED: LightType.NONE,
    LightState.UNKNOWN: LightType.UNKNOWN,
    LightState.ARROW_STOP: LightType.STOP,
    LightState.STOP: LightType.STOP,
    LightState.FLASHING_STOP: LightType.STOP,
    LightState.ARROW_CAUTION: LightType.CAUTION,
    LightState.CAUTION: LightType.CAUTION,
    LightState.FLASHING_CAUTION: LightType.CAUTION,
    LightState.ARROW_GO: LightType.GO,
    LightState.GO: LightType.GO,
}
_LANE_POINT = {
    LaneType.FREEWAY: PointType.FREEWAY,
    LaneType.UNDEFINED: PointType.SURFACE_STREET,
    LaneType.SURFACE_STREET: PointType.SURFACE_STREET,
    LaneType.BIKE_LANE: PointType.BIKE_LANE,
}
# A double broken line is broken here, and a line that may be passed on one side is not.
_BROKEN = {
    RoadLineType.BROKEN_SINGLE_WHITE,
    RoadLineType.BROKEN_SINGLE_YELLOW,
    RoadLineType.BROKEN_DOUBLE_YELLOW,
}
_SOLID = {RoadLineType.SOLID_SINGLE_WHITE, RoadLineType.SOLID_SINGLE_YELLOW}
_AREAS = (MapKind.CROSSWALK, MapKind.SPEED_BUMP, MapKind.DRIVEWAY)


@dataclass(frozen=True)
class MapPieces:
    """The pieces of one scenario's map; M pieces, in metres from the caller's origin."""

    pose: Float32[np.ndarray, "M 3"]
    """first point, and the direction of the first 0.5 m"""
    shape: Float32[np.ndarray, "M 11 2"]
    """points seen from `pose`; a last piece of less than 5 m has its points closer together"""
    corner: Float64[np.ndarray, "M 3 2"]
    """first, middle and last point seen from `pose`: what is compared with the vocabulary"""
    point_type: UInt8[np.ndarray, "M"]
    polygon_type: UInt8[np.ndarray, "M"]
    light: UInt8[np.ndarray, "M"]
    feature: Int32[np.ndarray, "M"]
    """row of the map feature"""


def cut_map(scenario: Scenario, origin: np.ndarray) -> MapPieces:
    """Cut lanes, lines, edges and crosswalk-like areas as SMART does, at 0.5 m, ten steps a piece.

    Stop signs only re-type the lanes they control; heights are dropped.
    """
    stopped = set(scenario.link[scenario.link[:, 0] == LinkKind.STOPS, 2].tolist())
    signal = dict(
        zip(scenario.light_lane.tolist(), scenario.light_state[:, CURRENT].tolist(), strict=True)
    )
    all_pieces: list[Piece] = []
    features, types = [], []
    for feature, kind in enumerate(scenario.map_kind.tolist()):
        if kind == MapKind.STOP_SIGN:
            continue
        points = scenario.polyline(feature)[:, :2].astype(np.float64) - origin
        pieces = pieces_of(long_sides(points) if kind in _AREAS else points)
        name = int(scenario.map_id[feature])
        light = (
            _LIGHT[signal.get(name, LightState.UNLISTED)]
            if kind == MapKind.LANE
            else LightType.NONE
        )
        point, polygon = _types(kind, int(scenario.map_type[feature]), name in stopped)
        all_pieces += pieces
        features += [feature] * len(pieces)
        types += [(point, polygon, light)] * len(pieces)
    window = np.array([piece.window for piece in all_pieces]).reshape(-1, MAP_POINTS, 2)
    corner = np.array([piece.corner for piece in all_pieces]).reshape(-1, 3, 2)
    first, heading = window[:, 0], np.array([piece.heading for piece in all_pieces])
    point_type, polygon_type, light = np.array(types, dtype=np.uint8).reshape(-1, 3).T
    return MapPieces(
        pose=np.column_stack([first, heading]).astype(np.float32),
        shape=seen_from(first, heading, window).astype(np.float32),
        corner=seen_from(first, heading, corner),
        point_type=np.ascontiguousarray(point_type),
        polygon_type=np.ascontiguousarray(polygon_type),
        light=np.ascontiguousarray(light),
        feature=np.array(features, dtype=np.int32),
    )


def _types(kind: int, subtype: int, stopped: bool) -> tuple[PointType, PolygonType]:
    if kind == MapKind.LANE:
        point = _LANE_POINT[LaneType(subtype)]
        if stopped and point is not PointType.BIKE_LANE:
            point = PointType.STOP_SIGN_LANE
        return point, PolygonType.LANE
    if kind == MapKind.ROAD_EDGE:
        median = subtype == RoadEdgeType.MEDIAN
        return PointType.EDGE_MEDIAN if median else PointType.EDGE_BOUNDARY, PolygonType.ROAD_EDGE
    if kind == MapKind.ROAD_LINE:
        if subtype in _BROKEN:
            return PointType.BROKEN_LINE, PolygonType.ROAD_LINE
        if subtype in _SOLID:
            return PointType.SOLID_LINE, PolygonType.ROAD_LINE
        return PointType.DOUBLE_LINE, PolygonType.ROAD_LINE
    return PointType.CROSSWALK, PolygonType.CROSSWALK


def nearest_shape(
    corner: Float64[np.ndarray, "M 3 2"], vocabulary: Float32[np.ndarray, "V 11 2"]
) -> Int16[np.ndarray, "M"]:
    """Index of the map token nearest to each piece.

    Compared at the points 0, 5 and 10 by the sum of squared distances, as SMART matches them. In
    double precision, because float32 decides between near ties by rounding.
    """
    piece = corner.reshape(-1, 6)
    entry = vocabulary[:, ::5].reshape(-1, 6).astype(np.float64)
    # |a - b|² = |a|² - 2ab + |b|²; the first term does not change which b is nearest.
    return ((entry**2).sum(axis=1) - 2 * piece @ entry.T).argmin(axis=1).astype(np.int16)
