"""TFRecord files, whole and broken."""

import pytest

from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.encode import encode_scenario


@pytest.fixture(scope="session")
def record() -> bytes:
    """A small scenario as WOMD would store it."""
    return encode_scenario(generate_scenario(5, 2))


def _nobody(proto):
    for track in proto.tracks:
        track.states[10].valid = False


def _short(proto):
    for track in proto.tracks:
        del track.states[11:]


def _unseen_sdc(proto):
    proto.tracks[proto.sdc_track_index].states[10].valid = False


def _state(name, value):
    """A valid state of one track with a value that it cannot have."""

    def change(proto):
        track = proto.tracks[proto.sdc_track_index]
        track.id = 4321
        track.states[40].valid = True
        setattr(track.states[40], name, value)

    return change


def _point(kind, part, value):
    """A point of the first map feature of a kind, which is then called 9876."""

    def change(proto):
        feature = next(f for f in proto.map_features if f.WhichOneof("feature_data") == kind)
        feature.id = 9876
        data = getattr(feature, kind)
        points = data.polygon if part == "polygon" else data.polyline
        points[1].y = value

    return change


def _stop(proto):
    signal = proto.dynamic_map_states[40].lane_states.add(lane=77, state=4)
    signal.stop_point.x = float("inf")


BROKEN = {
    "11 steps": (_short, r"11 steps"),
    "empty map": (lambda p: p.ClearField("map_features"), "has an empty map"),
    "nobody at step 10": (_nobody, "no agent that is valid at step 10"),
    "SDC unseen": (_unseen_sdc, "has an SDC that is not valid at step 10"),
    "place not finite": (
        _state("center_x", float("nan")), "track 4321 has center_x = nan at step 40, which is valid",
    ),
    "height not finite": (_state("center_z", float("inf")), "track 4321 has center_z = inf at step 40"),
    "place absurd": (_state("center_y", -2e6), r"track 4321 has center_y = -2e\+06 at step 40"),
    "size absurd": (_state("length", 1e30), r"track 4321 has length = 1e\+30 at step 40"),
    "size negative": (_state("width", -1.0), "track 4321 has width = -1 at step 40"),
    "heading absurd": (_state("heading", 1e30), r"track 4321 has heading = 1e\+30 at step 40"),
    "velocity not finite": (
        _state("velocity_y", float("-inf")), "track 4321 has velocity_y = -inf at step 40",
    ),
    "lane not finite": (
        _point("lane", "polyline", float("nan")), r"map feature 9876 \(lane\), point 1 is at .*nan",
    ),
    "edge not finite": (
        _point("road_edge", "polyline", float("inf")),
        r"map feature 9876 \(road_edge\), point 1 is at .*inf",
    ),
    "edge absurd": (
        _point("road_edge", "polyline", 1e30),
        r"map feature 9876 \(road_edge\), point 1 is at .*1e\+30",
    ),
    "crosswalk too long": (
        _point("crosswalk", "polygon", 9e5), r"map feature 9876 \(crosswalk\) extends over",
    ),
    "speed limit": (
        lambda p: setattr(p.map_features.add(id=9876).lane, "speed_limit_mph", float("nan")),
        r"map feature 9876 \(lane\) has a speed limit of nan",
    ),
    "stop point": (_stop, r"signal of lane 77, stop point at step 40 is at \(inf, 0, 0\)"),
    "two tracks alike": (
        lambda p: p.tracks.add().CopyFrom(p.tracks[0]), r"has two tracks \d+",
    ),
    "SDC out of range": (lambda p: setattr(p, "sdc_track_index", 999), "names an SDC that is no track"),
    "current step": (lambda p: setattr(p, "current_time_index", 20), "its current step at 20"),
    "predicted out of range": (
        lambda p: setattr(p.tracks_to_predict.add(), "track_index", -1),
        "is to predict what is no track",
    ),
    "no tracks": (lambda p: p.ClearField("tracks"), "without scenario id or tracks"),
}  # fmt: skip
"""What can be wrong with a scenario, and what the user is told."""


@pytest.fixture(params=BROKEN)
def broken(request, record) -> tuple[bytes, str]:
    """A record that is no usable scenario, and a part of the sentence that says why."""
    change, message = BROKEN[request.param]
    proto = scenario_pb2.Scenario.FromString(record)
    change(proto)
    return proto.SerializeToString(), message


@pytest.fixture(scope="session")
def example() -> bytes:
    """A `tf.Example`, whose only field is number 1 too: features {a: int64_list}."""

    def message(number, payload):
        return bytes((number << 3 | 2, len(payload))) + payload

    feature = message(3, message(1, b"\x07"))
    entry = message(1, b"state/id") + message(2, feature)
    return message(1, message(1, entry) * 3)
