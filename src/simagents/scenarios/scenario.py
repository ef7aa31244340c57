"""One logged traffic scenario as plain arrays."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import SupportsIndex

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8

STEPS = 91
"""Logged steps of a scenario, 0.1 s apart."""
CURRENT = 10
"""The last step that a simulator may see; it simulates steps 11 to 90."""
SIMULATED = STEPS - 1 - CURRENT
"""Steps to simulate."""
STEP_SECONDS = 0.1


class AgentType(IntEnum):
    """`Track.object_type` of WOMD."""

    UNSET = 0
    VEHICLE = 1
    PEDESTRIAN = 2
    CYCLIST = 3
    OTHER = 4


class MapKind(IntEnum):
    """Which message of WOMD's `MapFeature` a polyline comes from, by its field number."""

    LANE = 3
    ROAD_LINE = 4
    ROAD_EDGE = 5
    STOP_SIGN = 7
    CROSSWALK = 8
    SPEED_BUMP = 9
    DRIVEWAY = 10


class LaneType(IntEnum):
    """`LaneCenter.type`, the subtype of `MapKind.LANE`."""

    UNDEFINED = 0
    FREEWAY = 1
    SURFACE_STREET = 2
    BIKE_LANE = 3


class RoadLineType(IntEnum):
    """`RoadLine.type`, the subtype of `MapKind.ROAD_LINE`."""

    UNKNOWN = 0
    BROKEN_SINGLE_WHITE = 1
    SOLID_SINGLE_WHITE = 2
    SOLID_DOUBLE_WHITE = 3
    BROKEN_SINGLE_YELLOW = 4
    BROKEN_DOUBLE_YELLOW = 5
    SOLID_SINGLE_YELLOW = 6
    SOLID_DOUBLE_YELLOW = 7
    PASSING_DOUBLE_YELLOW = 8


class RoadEdgeType(IntEnum):
    """`RoadEdge.type`, the subtype of `MapKind.ROAD_EDGE`."""

    UNKNOWN = 0
    BOUNDARY = 1
    MEDIAN = 2


class LightState(IntEnum):
    """`TrafficSignalLaneState.state`; `UNLISTED` where a step does not mention the signal."""

    UNLISTED = -1
    UNKNOWN = 0
    ARROW_STOP = 1
    ARROW_CAUTION = 2
    ARROW_GO = 3
    STOP = 4
    CAUTION = 5
    GO = 6
    FLASHING_STOP = 7
    FLASHING_CAUTION = 8


class LinkKind(IntEnum):
    """What ties one map feature to another."""

    EXIT = 0  # from a lane to one that it leads into
    LEFT = 1  # from a lane to its left neighbour, where a lane change is possible
    RIGHT = 2
    STOPS = 3  # from a stop sign to a lane that it controls


@dataclass(frozen=True, eq=False)
class Scenario:
    """A log of 9.1 s: who moved how, on which map, under which lights.

    World frame of the data set: metres, z up, headings counter-clockwise from +x in radians,
    velocities in m/s, float32 because the official metric is. Rows of agents follow the tracks of
    the proto. Where `valid` is False the arrays hold what the proto holds (zeros in position and
    heading, small garbage in z): never read them unmasked.

    A agents, T = 91 steps, F map features, P map points in all, K links, L signals.
    """

    id: str
    sdc: int
    """row of the recording vehicle (WOMD: `sdc_track_index`)"""
    agent_id: Int64[np.ndarray, "A"]
    agent_type: UInt8[np.ndarray, "A"]
    to_predict: Bool[np.ndarray, "A"]
    of_interest: Bool[np.ndarray, "A"]
    position: Float32[np.ndarray, "A T 3"]
    heading: Float32[np.ndarray, "A T"]
    velocity: Float32[np.ndarray, "A T 2"]
    valid: Bool[np.ndarray, "A T"]
    size: Float32[np.ndarray, "A 3"]
    """length, width, height at the current step, or at the nearest valid one"""
    mean_size: Float32[np.ndarray, "A 3"]
    """the same, averaged over the valid steps (SMART reads this one)"""
    map_id: Int64[np.ndarray, "F"]
    map_kind: UInt8[np.ndarray, "F"]
    map_type: UInt8[np.ndarray, "F"]
    """LaneType, RoadLineType or RoadEdgeType by kind; 0 for the others"""
    map_start: Int64[np.ndarray, "F+1"]
    """feature f owns the points `map_start[f]` to `map_start[f + 1]`"""
    map_point: Float32[np.ndarray, "P 3"]
    speed_limit: Float32[np.ndarray, "F"]
    """miles per hour, as in WOMD; 0 where none is given"""
    link: Int64[np.ndarray, "K 3"]
    """rows of (LinkKind, feature id, feature id); what lies beyond the map's end may be missing"""
    light_lane: Int64[np.ndarray, "L"]
    light_state: np.ndarray  # int8 [L, T]: LightState
    light_stop: Float32[np.ndarray, "L T 3"]
    """stop points; zero where the step does not list the signal"""

    @cached_property
    def simulated(self) -> Int64[np.ndarray, "N"]:
        """Rows of the agents a simulator controls: all that the log sees at the current step."""
        return np.flatnonzero(self.valid[:, CURRENT])

    @cached_property
    def evaluated(self) -> Int64[np.ndarray, "E"]:
        """Rows of the agents that the metric scores, by ascending id: the SDC and `to_predict`."""
        chosen = self.to_predict.copy()
        chosen[self.sdc] = True
        rows = np.flatnonzero(chosen)
        return rows[np.argsort(self.agent_id[rows], kind="stable")]

    def polyline(self, feature: SupportsIndex) -> Float32[np.ndarray, "n 3"]:
        """The points of one map feature (row, not id)."""
        return self.map_point[self.map_start[feature] : self.map_start[int(feature) + 1]]
