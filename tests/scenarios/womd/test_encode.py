"""What is encoded decodes to the same arrays, and the generated proto classes can read it."""

from dataclasses import fields

import numpy as np
import pytest

from simagents.scenarios.scenario import LinkKind, MapKind
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.synthetic.templates import TEMPLATES
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.decode import decode_scenario, read_scenarios
from simagents.scenarios.womd.encode import encode_scenario


def assert_same(one, other, skip=()):
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name in skip:
            continue
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.__name__)
def test_round_trip(template):
    scenario = generate_scenario(11, 3, template)
    assert_same(scenario, decode_scenario(encode_scenario(scenario), "here"))


def test_proto_classes_agree():
    """Fields that no array of `Scenario` holds, and those that the decoder derives others from."""
    template = next(t for t in TEMPLATES if t.__name__ == "all_way_stop")
    scenario = generate_scenario(0, 0, template)
    proto = scenario_pb2.Scenario.FromString(encode_scenario(scenario))
    assert proto.SerializeToString()
    assert proto.timestamps_seconds == pytest.approx(np.arange(91) / 10)
    assert len(proto.dynamic_map_states) == 91
    lanes = {f.id: f.lane for f in proto.map_features if f.HasField("lane")}
    exits = {(a, b) for a, lane in lanes.items() for b in lane.exit_lanes}
    entries = {(a, b) for b, lane in lanes.items() for a in lane.entry_lanes}
    assert exits
    assert exits == entries
    expected = {(int(a), int(b)) for k, a, b in scenario.link if k == LinkKind.EXIT}
    assert exits == expected
    stops = {(f.id, lane) for f in proto.map_features for lane in f.stop_sign.lane}
    assert stops == {(int(a), int(b)) for k, a, b in scenario.link if k == LinkKind.STOPS}
    assert len(stops) >= 4
    states = proto.tracks[0].states
    assert len(states) == 91
    assert all(s.HasField("velocity_y") for s in states)


def test_large_numbers_and_unlisted_signals():
    """Ids of several varint bytes, a negative type of nothing, a signal that comes and goes."""
    template = next(t for t in TEMPLATES if t.__name__ == "four_way_signal")
    scenario = generate_scenario(0, 1, template)
    scenario.map_id[:] += 1 << 40
    scenario.link[:, 1:] += 1 << 40
    scenario.light_lane[:] += 1 << 40
    scenario.light_state[0, 20:40] = -1
    scenario.light_stop[0, 20:40] = 0
    assert_same(scenario, decode_scenario(encode_scenario(scenario), "here"))
    assert (scenario.map_kind == MapKind.LANE).any()


def test_real_scenarios_survive(womd):
    """All that a `Scenario` keeps; sizes of real tracks vary, and only one size of each is kept."""
    shards = sorted(womd.glob("validation.tfrecord-*"))
    for scenario in read_scenarios(shards[0]):
        again = decode_scenario(encode_scenario(scenario), "here")
        assert_same(scenario, again, skip=("mean_size", "link"))
        assert set(map(tuple, scenario.link)) == set(map(tuple, again.link))
