"""Map features -> pieces of 5 m, and the vocabulary entry nearest to each piece."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float32, Int32, UInt8

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
from simagents.tokens.vocabulary import MAP_POINTS

SPACING = 0.5  # metres between the points of a piece
GAP = 3.0  # metres; a polyline with a longer step is two polylines
SIDE_SPACING = 1.0  # metres between the points laid along a crosswalk
STRIDE = MAP_POINTS - 1


class PointType(IntEnum):
    """What a piece is made of: ten learned embeddings."""

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
_BROKEN = {RoadLineType.BROKEN_SINGLE_WHITE, RoadLineType.BROKEN_SINGLE_YELLOW}
_SOLID = {RoadLineType.SOLID_SINGLE_WHITE, RoadLineType.SOLID_SINGLE_YELLOW}
_AREAS = (MapKind.CROSSWALK, MapKind.SPEED_BUMP, MapKind.DRIVEWAY)


@dataclass(frozen=True)
class MapPieces:
    """The pieces of one scenario's map; M pieces, in metres from the caller's origin."""

    pose: Float32[np.ndarray, "M 3"]
    """first point, and the direction of the first 0.5 m"""
    shape: Float32[np.ndarray, "M 11 2"]
    """points seen from `pose`; a last piece of less than 5 m has its points closer together"""
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
    windows, features, types = [], [], []
    for feature, kind in enumerate(scenario.map_kind.tolist()):
        if kind == MapKind.STOP_SIGN:
            continue
        points = scenario.polyline(feature)[:, :2].astype(np.float64) - origin
        # SMART leaves a feature's last point out; kept so that its checkpoints see the same tokens.
        lines = _sides(points) if kind in _AREAS else _split(points[:-1])
        pieces = [piece for line in lines for piece in _pieces(line)]
        name = int(scenario.map_id[feature])
        light = (
            _LIGHT[signal.get(name, LightState.UNLISTED)]
            if kind == MapKind.LANE
            else LightType.NONE
        )
        point, polygon = _types(kind, int(scenario.map_type[feature]), name in stopped)
        windows += pieces
        features += [feature] * len(pieces)
        types += [(point, polygon, light)] * len(pieces)
    window = np.array(windows).reshape(-1, MAP_POINTS, 2)
    first = window[:, 0]
    step = window[:, 1] - first
    heading = np.arctan2(step[:, 1], step[:, 0])
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    x, y = np.moveaxis(window - first[:, None], -1, 0)
    shape = np.stack([x * cos + y * sin, y * cos - x * sin], axis=-1)
    point_type, polygon_type, light = np.array(types, dtype=np.uint8).reshape(-1, 3).T
    return MapPieces(
        pose=np.column_stack([first, heading]).astype(np.float32),
        shape=shape.astype(np.float32),
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


def _split(points: np.ndarray) -> list[np.ndarray]:
    if len(points) < 2:
        return []
    gaps = np.flatnonzero(np.linalg.norm(np.diff(points, axis=0), axis=1) > GAP) + 1
    return [line for line in np.split(points, gaps) if len(line) > 1]


def _sides(polygon: np.ndarray) -> list[np.ndarray]:
    """The two long sides of an area, each there and back, a point every metre."""
    if len(polygon) < 4:
        return []
    corner = polygon[np.linspace(0, len(polygon), 4, endpoint=False).astype(int)]
    side = np.linalg.norm(np.roll(corner, -1, axis=0) - corner, axis=1)
    pairs = [(0, 1), (3, 2)] if side[0] + side[2] >= side[1] + side[3] else [(1, 2), (0, 3)]
    lines = []
    for a, b in pairs:
        count = max(int(np.linalg.norm(corner[b] - corner[a]) / SIDE_SPACING) + 1, 2)
        line = np.linspace(corner[a], corner[b], count)
        lines += [line, line[::-1]]
    return lines


def _pieces(line: np.ndarray) -> list[np.ndarray]:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    if along[-1] <= 0:
        return []
    at = np.append(np.arange(0.0, along[-1], SPACING), along[-1])
    dense = np.column_stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])])
    whole = (len(dense) - 1) // STRIDE
    pieces = [dense[i * STRIDE : i * STRIDE + MAP_POINTS] for i in range(whole)]
    rest = at[whole * STRIDE :]
    if len(rest) >= 3:
        fine = np.linspace(rest[0], rest[-1], MAP_POINTS)
        pieces.append(
            np.column_stack(
                [np.interp(fine, along, line[:, 0]), np.interp(fine, along, line[:, 1])]
            )
        )
    return pieces


def nearest_shape(shape: np.ndarray, vocabulary: np.ndarray) -> np.ndarray:
    """Index of the map token nearest to each piece, int16 [M].

    Compared at the points 0, 5 and 10 by the sum of squared distances, as SMART matches them.
    """
    corner = shape[:, ::5].reshape(-1, 6)
    entry = vocabulary[:, ::5].reshape(-1, 6)
    # |a - b|² = |a|² - 2ab + |b|²; the first term does not change which b is nearest.
    return ((entry**2).sum(axis=1) - 2 * corner @ entry.T).argmin(axis=1).astype(np.int16)
