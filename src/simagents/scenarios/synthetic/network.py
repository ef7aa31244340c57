"""A road network under construction: what a template draws and traffic drives on."""

import itertools
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from simagents.scenarios.scenario import LaneType, LinkKind, MapKind


class Rule(IntEnum):
    """What the start of a lane asks of a driver."""

    NONE = 0
    YIELD = 1  # to whoever has a higher rank
    STOP = 2  # first stand still, then as YIELD
    SIGNAL = 3  # obey the light, then as YIELD


@dataclass
class Lane:
    """A lane's centre line, [n, 2] in metres, in the direction of travel."""

    points: np.ndarray
    limit: float
    """speed limit, m/s"""
    kind: LaneType = LaneType.SURFACE_STREET
    rule: Rule = Rule.NONE
    rank: int = 2
    """who goes first where paths cross: the higher one"""
    signal: int = -1
    """the signal group at the start of the lane"""
    crosswalk_at_start: int = -1
    crosswalk_at_end: int = -1
    inside: bool = False
    """inside a junction, where it may cross other lanes"""
    drawn: bool = True
    """False for the way of cyclists along a road without a bicycle lane"""
    exits: list[int] = field(default_factory=list)
    left: int | None = None
    right: int | None = None


@dataclass
class Network:
    """Map features and the rules that come with them, in a local frame (m)."""

    lanes: list[Lane] = field(default_factory=list)
    lines: list[tuple[np.ndarray, int]] = field(default_factory=list)
    edges: list[tuple[np.ndarray, int]] = field(default_factory=list)
    """drivable side to the left of the direction of the points; islands run clockwise"""
    crosswalks: list[np.ndarray] = field(default_factory=list)
    """polygons of 4 corners; walkers go from the middle of side 0-3 to that of side 1-2"""
    crosswalk_signal: list[int] = field(default_factory=list)
    """the signal group whose green lets walkers go; -1 where they just go"""
    stop_signs: list[tuple[np.ndarray, tuple[int, ...]]] = field(default_factory=list)
    bumps: list[np.ndarray] = field(default_factory=list)
    driveways: list[np.ndarray] = field(default_factory=list)
    pavements: list[np.ndarray] = field(default_factory=list)
    """where pedestrians walk"""
    parking: list[tuple[float, float, float]] = field(default_factory=list)
    """poses (x, y, heading) at which a car may stand"""
    phases: list[tuple[int, ...]] = field(default_factory=list)
    """signal groups that are green together, in the order of the cycle"""
    arrows: set[int] = field(default_factory=set)
    """signal groups that show arrows"""

    def lane(self, points, limit, **rest) -> int:
        """Add a lane; its index."""
        self.lanes.append(Lane(points, limit, **rest))
        return len(self.lanes) - 1

    def side_by_side(self, lanes) -> None:
        """Makes lanes, given from left to right, neighbours of each other."""
        for left, right in itertools.pairwise(lanes):
            self.lanes[left].right, self.lanes[right].left = right, left

    def routes(self) -> list[tuple[int, ...]]:
        """All ways through the network that use no lane twice."""
        entered = {e for lane in self.lanes for e in lane.exits}
        routes, open_ = [], [(i,) for i in range(len(self.lanes)) if i not in entered]
        while open_:
            route = open_.pop()
            exits = self.lanes[route[-1]].exits
            if not exits:
                routes.append(route)
            open_.extend((*route, e) for e in exits if e not in route)
        return sorted(routes)

    def features(self):
        """The map as lists: ids, kinds, types, polylines, limits (mph), links, ids of lanes."""
        kinds, types, polylines, limits, links = [], [], [], [], []

        def add(kind, type_, points, limit=0.0):
            kinds.append(kind)
            types.append(type_)
            polylines.append(points)
            limits.append(limit)
            return len(kinds)  # ids count from 1

        lane_id = [0] * len(self.lanes)
        for i, lane in enumerate(self.lanes):
            if lane.drawn:
                mph = 5.0 * round(lane.limit / 0.44704 / 5.0)
                lane_id[i] = add(MapKind.LANE, lane.kind, lane.points, mph)
        for i, lane in enumerate(self.lanes):
            if lane.drawn:
                drawn = [e for e in lane.exits if lane_id[e]]
                links += [(LinkKind.EXIT, lane_id[i], lane_id[e]) for e in drawn]
                if lane.left is not None:
                    links.append((LinkKind.LEFT, lane_id[i], lane_id[lane.left]))
                if lane.right is not None:
                    links.append((LinkKind.RIGHT, lane_id[i], lane_id[lane.right]))
        for points, type_ in self.lines:
            add(MapKind.ROAD_LINE, type_, points)
        for points, type_ in self.edges:
            add(MapKind.ROAD_EDGE, type_, points)
        for point, lanes in self.stop_signs:
            sign = add(MapKind.STOP_SIGN, 0, np.asarray(point)[None])
            links += [(LinkKind.STOPS, sign, lane_id[i]) for i in lanes]
        for polygons, kind in (
            (self.crosswalks, MapKind.CROSSWALK),
            (self.bumps, MapKind.SPEED_BUMP),
            (self.driveways, MapKind.DRIVEWAY),
        ):
            for polygon in polygons:
                add(kind, 0, polygon)
        return kinds, types, polylines, limits, links, lane_id
