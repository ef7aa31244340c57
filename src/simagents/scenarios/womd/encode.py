"""`Scenario` arrays -> WOMD's `Scenario` protos, as bytes.

A state of an agent and a point of the map hold only fields of fixed width. All their bytes but the
values are therefore the same in every message: one packed numpy record with the tags as constants
encodes all states of all agents at once, and another all points of the map. Everything else is
small and is written field by field. Field numbers are those of `scenario.proto`.
"""

from collections import defaultdict
from functools import cache

import numpy as np

from simagents.scenarios.scenario import (
    CURRENT,
    STEP_SECONDS,
    STEPS,
    LightState,
    LinkKind,
    MapKind,
    Scenario,
)
from simagents.scenarios.womd.wire import BYTES, FIXED32, FIXED64, VARINT, message, number, varint

_OF = {1: np.uint8, 4: "<f4", 8: "<f8"}  # numpy types by width

# Number and wire type of the polyline in the message of each kind of map feature.
_POLYLINE = {
    MapKind.LANE: 8,
    MapKind.ROAD_LINE: 2,
    MapKind.ROAD_EDGE: 2,
    MapKind.STOP_SIGN: 2,
    MapKind.CROSSWALK: 1,
    MapKind.SPEED_BUMP: 1,
    MapKind.DRIVEWAY: 1,
}


def encode_scenario(scenario: Scenario) -> bytes:
    """One serialised `Scenario`; `decode_scenario` gives the same arrays back.

    What a `Scenario` does not keep cannot come back: sizes are those of `scenario.size` at every
    valid step, boundaries of lanes are missing, and the difficulty of a prediction is 0.
    """
    parts = [_timestamps()]
    parts += _tracks(scenario)
    rows = np.flatnonzero(scenario.of_interest)
    parts += [number(4, int(agent)) for agent in scenario.agent_id[rows]]
    parts.append(message(5, scenario.id.encode()))
    parts.append(number(6, scenario.sdc))
    parts += _light_states(scenario)
    parts += _map_features(scenario)
    parts.append(number(10, CURRENT))
    for row in np.flatnonzero(scenario.to_predict):
        parts.append(message(11, number(1, int(row)) + number(2, 0)))
    return b"".join(parts)


@cache
def _record(field: int, inner: tuple[tuple[str, int, int], ...]) -> tuple[np.dtype, np.ndarray]:
    """Layout and constant bytes of a repeated message `field` of `inner`: name, number, bytes.

    Returns a packed dtype whose named columns are the values, and one record with the tags set.
    """
    columns = [("head", np.uint8, 2)]
    for name, _, width in inner:
        columns += [(f"tag {name}", np.uint8), (name, _OF[width])]
    layout = np.dtype(columns)
    record = np.zeros(1, layout)
    record["head"] = field << 3 | BYTES, layout.itemsize - 2
    for name, place, width in inner:
        wire = {1: VARINT, 4: FIXED32, 8: FIXED64}[width]
        record[f"tag {name}"] = place << 3 | wire
    return layout, record


_STATE = (
    ("center_x", 2, 8), ("center_y", 3, 8), ("center_z", 4, 8),
    ("length", 5, 4), ("width", 6, 4), ("height", 7, 4), ("heading", 8, 4),
    ("velocity_x", 9, 4), ("velocity_y", 10, 4), ("valid", 11, 1),
)  # fmt: skip
_POINT = (("x", 1, 8), ("y", 2, 8), ("z", 3, 8))


def _timestamps() -> bytes:
    """A repeated double is not packed in proto2: each has its tag."""
    out = np.zeros(STEPS, [("tag", np.uint8), ("seconds", "<f8")])
    out["tag"], out["seconds"] = 1 << 3 | FIXED64, np.arange(STEPS) * STEP_SECONDS
    return out.tobytes()


def _tracks(scenario: Scenario) -> list[bytes]:
    layout, record = _record(3, _STATE)
    states = np.empty(scenario.valid.shape, layout)
    states[:] = record
    for column, name in enumerate(("center_x", "center_y", "center_z")):
        states[name] = scenario.position[..., column]
    for column, name in enumerate(("length", "width", "height")):
        states[name] = scenario.valid * scenario.size[:, column, None]
    states["heading"] = scenario.heading
    states["velocity_x"], states["velocity_y"] = (
        scenario.velocity[..., 0],
        scenario.velocity[..., 1],
    )
    states["valid"] = scenario.valid
    return [
        message(2, number(1, int(agent)) + number(2, int(kind)) + track.tobytes())
        for agent, kind, track in zip(scenario.agent_id, scenario.agent_type, states, strict=True)
    ]


def _points(points: np.ndarray, field) -> np.ndarray:
    """Points [n, 3] as n messages numbered `field` (one number, or one each)."""
    layout, record = _record(1, _POINT)
    out = np.empty(len(points), layout)
    out[:] = record
    out["head"][:, 0] = np.asarray(field) << 3 | BYTES
    out["x"], out["y"], out["z"] = points.T
    return out


def _light_states(scenario: Scenario) -> list[bytes]:
    """One message a step, without the signals that the step does not list."""
    signals = []
    for lane, states, stops in zip(
        scenario.light_lane, scenario.light_state, scenario.light_stop, strict=True
    ):
        # All steps of one signal have the same length: states are enums of one byte.
        head, point = np.frombuffer(number(1, int(lane)), np.uint8), _points(stops, 3)
        layout = [("head", np.uint8, len(head) + 4), ("stop", point.dtype)]
        out = np.empty(len(states), layout)
        length = out.itemsize - 2
        out["head"][:, :-1] = [1 << 3 | BYTES, length, *head, 2 << 3 | VARINT]
        out["head"][:, -1] = states
        out["stop"] = point
        listed, data, width = states != LightState.UNLISTED, out.tobytes(), out.itemsize
        signals.append(
            [data[t * width : (t + 1) * width] * seen for t, seen in enumerate(listed.tolist())]
        )
    steps = zip(*signals, strict=True) if signals else [()] * STEPS
    return [message(7, b"".join(step)) for step in steps]


def _map_features(scenario: Scenario) -> list[bytes]:
    start = scenario.map_start
    count = np.diff(start)
    field = np.zeros(max(MapKind) + 1, np.uint8)
    field[list(_POLYLINE)] = list(_POLYLINE.values())
    points = _points(scenario.map_point, np.repeat(field[scenario.map_kind], count)).tobytes()
    width = _record(1, _POINT)[0].itemsize
    size = dict(zip(scenario.map_id.tolist(), count.tolist(), strict=True))
    links = _links(scenario)
    out = []
    for f, (id_, kind, type_) in enumerate(
        zip(
            scenario.map_id.tolist(),
            scenario.map_kind.tolist(),
            scenario.map_type.tolist(),
            strict=True,
        )
    ):
        payload = points[start[f] * width : start[f + 1] * width]
        if kind == MapKind.LANE:
            payload = _lane(scenario, f, type_, payload, links[id_], size)
        elif kind in (MapKind.ROAD_LINE, MapKind.ROAD_EDGE):
            payload = number(1, type_) + payload
        elif kind == MapKind.STOP_SIGN:
            payload = b"".join(number(1, lane) for lane in links[id_][LinkKind.STOPS]) + payload
        out.append(message(8, number(1, id_) + message(kind, payload)))
    return out


_ENTRY = -1  # the other end of an EXIT


def _links(scenario: Scenario) -> dict[int, dict[int, list[int]]]:
    """For each feature id: the ids tied to it, by kind of link."""
    links = defaultdict(lambda: defaultdict(list))
    for kind, a, b in scenario.link.tolist():
        links[a][kind].append(b)
        if kind == LinkKind.EXIT:
            links[b][_ENTRY].append(a)
    return links


def _lane(scenario, f, type_, polyline, links, size) -> bytes:
    parts = []
    if scenario.speed_limit[f]:
        limit = np.array(scenario.speed_limit[f], "<f8").tobytes()
        parts.append(varint(1 << 3 | FIXED64) + limit)
    parts += [number(2, type_), polyline]
    for field, kind in ((9, _ENTRY), (10, LinkKind.EXIT)):
        if links[kind]:
            parts.append(message(field, b"".join(map(varint, links[kind]))))
    length = size[int(scenario.map_id[f])]
    for field, kind in ((11, LinkKind.LEFT), (12, LinkKind.RIGHT)):
        for other in links[kind]:
            # First and last points along which the two are neighbours: all the way.
            along = (other, 0, length - 1, 0, size.get(other, 1) - 1)
            parts.append(message(field, b"".join(number(n, v) for n, v in enumerate(along, 1))))
    return b"".join(parts)
