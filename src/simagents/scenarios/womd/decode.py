"""WOMD's `Scenario` protos -> `Scenario` arrays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from jaxtyping import Int64

from simagents.errors import InputError
from simagents.scenarios.scenario import (
    CURRENT,
    STEPS,
    AgentType,
    LaneType,
    LightState,
    LinkKind,
    MapKind,
    RoadEdgeType,
    RoadLineType,
    Scenario,
)
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.plausible import (
    STATE,
    check_extent,
    check_points,
    known,
    plausible_states,
)
from simagents.scenarios.womd.tfrecord import read_records

_KIND = {
    field.name: MapKind(field.number)
    for field in scenario_pb2.MapFeature.DESCRIPTOR.oneofs[0].fields
}
_TYPES = {"lane": LaneType, "road_line": RoadLineType, "road_edge": RoadEdgeType}
_FASTEST = 1e3  # miles per hour; NaN is no speed either


def read_scenarios(path: Path) -> Iterator[Scenario | InputError]:
    """Stream the scenarios of one TFRecord shard; at most one is in memory at a time.

    A record that is no usable scenario comes as the InputError that says why, so that the caller
    may count it and go on; damaged framing raises, since nothing after it can be trusted.
    """
    for index, record in enumerate(read_records(path)):
        try:
            yield decode_scenario(record, f"{path}, record {index}")
        except InputError as problem:
            yield problem


def decode_scenario(record: bytes, where: str) -> Scenario:
    """Decode one serialised `Scenario`; `where` names it in errors.

    Raises InputError for what cannot be simulated: not a Scenario, steps other than 91, a current
    step other than 10, no map, no valid agent, a recording vehicle that is not valid at the current
    step, two tracks with one id; and for NaN, infinite and absurd numbers (`plausible.py`).
    """
    proto = _parsed(record, where)
    _check(proto, where)
    scenario = f"{where}: scenario {proto.scenario_id}"
    return Scenario(
        id=proto.scenario_id,
        sdc=proto.sdc_track_index,
        **_agents(proto, scenario),
        **_map(proto.map_features, scenario),
        **_lights(proto.dynamic_map_states, scenario),
    )


def decode_simulated(record: bytes, where: str) -> Int64[np.ndarray, "A"]:
    """Ids of the agents that a simulator controls, in the order of the tracks.

    All that a submission must hold, and all that can be known of the test split, whose scenarios
    end with the current step. Raises InputError for what is no Scenario, and for two tracks with one
    id.
    """
    proto = _parsed(record, where)
    _check_ids(proto, where)
    seen = [len(track.states) > CURRENT and track.states[CURRENT].valid for track in proto.tracks]
    return np.array([track.id for track in proto.tracks], dtype=np.int64)[np.array(seen, bool)]


_FORMAT_HINT = "take the files of WOMD's `scenario` folder, not those of `tf_example`."


def _parsed(record: bytes, where: str) -> Any:
    try:
        proto = scenario_pb2.Scenario.FromString(record)
    except DecodeError:
        raise InputError(f"{where}: not a WOMD Scenario proto; {_FORMAT_HINT}") from None
    if not isinstance(proto.scenario_id, str):  # protobuf leaves what is not UTF-8 as bytes
        raise InputError(f"{where}: its scenario id {proto.scenario_id!r} is no text.")
    return proto


def _check_ids(proto: Any, where: str) -> None:
    # Rollouts name agents by these ids.
    seen: set[int] = set()
    for track in proto.tracks:
        if track.id in seen:
            raise InputError(f"{where}: scenario {proto.scenario_id} has two tracks {track.id}.")
        seen.add(track.id)


def _check(proto: Any, where: str) -> None:
    if not proto.scenario_id or not proto.tracks:
        raise InputError(f"{where}: a record without scenario id or tracks; {_FORMAT_HINT}")
    steps = {len(track.states) for track in proto.tracks}
    if steps != {STEPS}:
        counts = ", ".join(str(count) for count in sorted(steps))
        raise InputError(
            f"{where}: scenario {proto.scenario_id} has {counts} steps, {STEPS} are needed;"
            " take the training or validation split (the test split hides the future)."
        )
    if proto.current_time_index != CURRENT:
        raise InputError(
            f"{where}: scenario {proto.scenario_id} has its current step at"
            f" {proto.current_time_index}, {CURRENT} is needed."
        )
    if not 0 <= proto.sdc_track_index < len(proto.tracks):
        raise InputError(f"{where}: scenario {proto.scenario_id} names an SDC that is no track.")
    if any(not 0 <= p.track_index < len(proto.tracks) for p in proto.tracks_to_predict):
        raise InputError(f"{where}: scenario {proto.scenario_id} is to predict what is no track.")
    if not proto.map_features:
        raise InputError(f"{where}: scenario {proto.scenario_id} has an empty map.")
    _check_ids(proto, where)


def _agents(proto: Any, where: str) -> dict[str, np.ndarray]:
    # One flat pass: attribute access is what costs, so every field is read exactly once.
    flat = np.array(
        [
            (s.center_x, s.center_y, s.center_z, s.length, s.width, s.height,
             s.heading, s.velocity_x, s.velocity_y, s.valid)
            for track in proto.tracks
            for s in track.states
        ],
        dtype=np.float64,
    ).reshape(len(proto.tracks), STEPS, len(STATE) + 1)  # fmt: skip
    valid = flat[..., -1] > 0
    if not valid[:, CURRENT].any():
        raise InputError(f"{where} has no agent that is valid at step {CURRENT}.")
    if not valid[proto.sdc_track_index, CURRENT]:
        raise InputError(f"{where} has an SDC that is not valid at step {CURRENT}.")
    agent_id = np.array([track.id for track in proto.tracks], dtype=np.int64)
    flat = plausible_states(flat[..., :-1], valid, agent_id.tolist(), where)
    rows = np.arange(len(proto.tracks))
    distance = np.where(valid, np.abs(np.arange(STEPS) - CURRENT), STEPS)
    size, count = flat[..., 3:6], valid.sum(axis=1)
    to_predict = np.zeros(len(proto.tracks), dtype=bool)
    to_predict[[required.track_index for required in proto.tracks_to_predict]] = True
    types = [known(AgentType, track.object_type) for track in proto.tracks]
    return {
        "agent_id": agent_id,
        "agent_type": np.array(types, dtype=np.uint8),
        "to_predict": to_predict,
        "of_interest": np.isin(agent_id, list(proto.objects_of_interest)),
        "position": flat[..., 0:3].astype(np.float32),
        "heading": flat[..., 6].astype(np.float32),
        "velocity": flat[..., 7:9].astype(np.float32),
        "valid": valid,
        "size": size[rows, distance.argmin(axis=1)].astype(np.float32),
        "mean_size": ((size * valid[..., None]).sum(axis=1) / np.maximum(count, 1)[:, None]).astype(
            np.float32
        ),
    }


def _map(features: Any, where: str) -> dict[str, np.ndarray]:
    ids, kinds, types, limits, points, links = [], [], [], [], [], []
    for feature in features:
        name = feature.WhichOneof("feature_data")
        if name is None:  # a kind of feature that is newer than this schema
            continue
        data = getattr(feature, name)
        ids.append(feature.id)
        kinds.append(_KIND[name])
        types.append(known(_TYPES[name], data.type) if name in _TYPES else 0)
        limits.append(data.speed_limit_mph if name == "lane" else 0.0)
        feature_name = f"{where}: map feature {feature.id} ({name})"
        if not abs(limits[-1]) <= _FASTEST:
            raise InputError(f"{feature_name} has a speed limit of {limits[-1]:g} miles per hour.")
        if name == "stop_sign":
            polyline = [data.position]
            links += [(LinkKind.STOPS, feature.id, lane) for lane in data.lane]
        else:
            polyline = data.polyline if name in _TYPES else data.polygon
        if name == "lane":
            links += [(LinkKind.EXIT, feature.id, lane) for lane in data.exit_lanes]
            links += [(LinkKind.LEFT, feature.id, n.feature_id) for n in data.left_neighbors]
            links += [(LinkKind.RIGHT, feature.id, n.feature_id) for n in data.right_neighbors]
        line = np.array([(p.x, p.y, p.z) for p in polyline], dtype=np.float64).reshape(-1, 3)
        check_points(line, f"{feature_name}, point")
        check_extent(line, feature_name)
        points.append(line)
    return {
        "map_id": np.array(ids, dtype=np.int64),
        "map_kind": np.array(kinds, dtype=np.uint8),
        "map_type": np.array(types, dtype=np.uint8),
        "map_start": np.cumsum([0, *map(len, points)], dtype=np.int64),
        "map_point": np.concatenate([np.zeros((0, 3)), *points]).astype(np.float32),
        "speed_limit": np.array(limits, dtype=np.float32),
        "link": np.array(links, dtype=np.int64).reshape(-1, 3),
    }


def _lights(steps: Any, where: str) -> dict[str, np.ndarray]:
    lanes = sorted({signal.lane for step in steps for signal in step.lane_states})
    row = {lane: index for index, lane in enumerate(lanes)}
    state = np.full((len(lanes), STEPS), LightState.UNLISTED, dtype=np.int8)
    stop = np.zeros((len(lanes), STEPS, 3), dtype=np.float64)
    for t, step in enumerate(steps[:STEPS]):
        # A lane that is listed twice: the last one wins, as in the official metric.
        for signal in step.lane_states:
            state[row[signal.lane], t] = known(LightState, signal.state)
            point = signal.stop_point
            stop[row[signal.lane], t] = point.x, point.y, point.z
    for lane, points in zip(lanes, stop, strict=True):
        check_points(points, f"{where}: signal of lane {lane}, stop point at step")
    return {
        "light_lane": np.array(lanes, dtype=np.int64),
        "light_state": state,
        "light_stop": stop.astype(np.float32),
    }
