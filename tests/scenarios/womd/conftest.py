"""TFRecord files, whole and broken."""

import pytest

from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.encode import encode_scenario


@pytest.fixture(scope="session")
def record() -> bytes:
    """A small scenario as WOMD would store it."""
    return encode_scenario(generate_scenario(5, 2))


def _not_finite(proto):
    track = proto.tracks[proto.sdc_track_index]
    track.states[40].valid = True
    track.states[40].center_x = float("nan")


def _nobody(proto):
    for track in proto.tracks:
        track.states[10].valid = False


def _short(proto):
    for track in proto.tracks:
        del track.states[11:]


BROKEN = {
    "11 steps": (_short, r"11 steps"),
    "empty map": (lambda p: p.ClearField("map_features"), "has an empty map"),
    "nobody at step 10": (_nobody, "no agent that is valid at step 10"),
    "not finite": (_not_finite, "a valid state that is not finite"),
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
