"""Records become scenarios, or one sentence that names file and record."""

import numpy as np
import pytest
import torch

from simagents.errors import InputError
from simagents.models.scenes import collate
from simagents.scenarios.scenario import CURRENT, AgentType, LightState
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.decode import decode_scenario, decode_simulated, read_scenarios
from simagents.scenarios.womd.tfrecord import write_records


def changed(record, change):
    proto = scenario_pb2.Scenario.FromString(record)
    change(proto)
    return proto.SerializeToString()


def test_an_unusable_record_says_why(broken):
    record, message = broken
    with pytest.raises(InputError, match=rf"^shard, record 7: .*{message}"):
        decode_scenario(record, "shard, record 7")


@pytest.mark.parametrize("noise", [b"\xff" * 40, b"not a proto at all"])
def test_what_is_no_proto_says_so(noise):
    with pytest.raises(InputError, match=r"^here: not a WOMD Scenario proto; take the files of"):
        decode_scenario(noise, "here")


def test_an_id_that_is_no_text_is_refused(record):
    name = decode_scenario(record, "here").id.encode()
    damaged = record.replace(name, b"\xff" + name[1:])
    for decode in (decode_scenario, decode_simulated):
        with pytest.raises(InputError, match=r"^here: its scenario id b'\\xff.* is no text"):
            decode(damaged, "here")


def test_a_tf_example_is_recognised(example):
    with pytest.raises(InputError, match=r"`scenario` folder, not those of `tf_example`"):
        decode_scenario(example, "here")


def test_bad_records_among_good_ones(record, broken, tmp_path):
    path = tmp_path / "shard"
    write_records(path, [record, broken[0], record])
    first, bad, last = read_scenarios(path)
    assert first.id == last.id
    assert isinstance(bad, InputError)
    assert str(bad).startswith(f"{path}, record 1: ")


@pytest.mark.parametrize("garbage", [float("inf"), float("nan"), -1e300])
def test_states_that_are_not_valid_may_hold_anything(record, garbage):
    """What no invalid state of WOMD holds becomes zero: NaN times a mask would be NaN."""

    def change(proto):
        state = proto.tracks[0].states[0]
        state.valid = False
        for name in ("center_x", "center_z", "length", "heading", "velocity_x"):
            setattr(state, name, garbage)
        state.center_y = 0.125

    scenario = decode_scenario(changed(record, change), "here")
    assert not scenario.valid[0, 0]
    assert scenario.position[0, 0].tolist() == [0, 0.125, 0]
    assert scenario.heading[0, 0] == scenario.velocity[0, 0, 0] == 0
    assert np.isfinite(scenario.mean_size).all()
    scene = collate([scenario])
    assert torch.isfinite(scene.pose).all()
    assert torch.isfinite(scene.velocity).all()


def test_values_that_an_enumeration_does_not_list_are_unknown(record):
    """As in the official parser, whose enumerations are closed."""

    def change(proto):
        proto.tracks[0].object_type = -1
        proto.tracks[1].object_type = 300
        for feature in proto.map_features:
            kind = feature.WhichOneof("feature_data")
            if kind in ("lane", "road_line", "road_edge"):
                getattr(feature, kind).type = 99
        proto.dynamic_map_states[CURRENT].lane_states.add(lane=77, state=1000)

    scenario = decode_scenario(changed(record, change), "here")
    assert scenario.agent_type[:2].tolist() == [AgentType.UNSET] * 2
    assert not scenario.map_type.any()
    assert scenario.light_state[scenario.light_lane == 77, CURRENT] == LightState.UNKNOWN


def test_a_log_with_ordinary_noise_is_kept(record):
    """Agents that jump, have no size, turn several times: WOMD has them, or may have."""

    def change(proto):
        for state in proto.tracks[0].states:
            state.length, state.heading, state.velocity_x = 0.0, 13.0, 300.0
            state.center_x += 40_000.0

    decode_scenario(changed(record, change), "here")


def test_ids_of_the_test_split_must_differ_too(record):
    twice = changed(record, lambda p: p.tracks.add().CopyFrom(p.tracks[0]))
    with pytest.raises(InputError, match=r"^here: scenario \w+ has two tracks"):
        decode_simulated(twice, "here")


def test_a_feature_of_an_unknown_kind_is_left_out(record):
    before = decode_scenario(record, "here")
    after = decode_scenario(changed(record, lambda p: p.map_features.add(id=9999)), "here")
    assert np.array_equal(after.map_id, before.map_id)


def test_sizes_are_those_of_the_current_step_or_the_nearest(record):
    """The track's length is 4 m but for 5 m at step 10; without step 10, that of step 11 counts."""

    def change(proto):
        for track in proto.tracks[:2]:
            for t, state in enumerate(track.states):
                state.valid = 5 <= t < 15
                state.length = {10: 5.0, 11: 6.0}.get(t, 4.0)
        proto.tracks[1].states[10].valid = False
        proto.tracks[1].states[9].valid = False

    scenario = decode_scenario(changed(record, change), "here")
    assert scenario.size[:2, 0].tolist() == [5.0, 6.0]
    assert scenario.mean_size[:2, 0].tolist() == pytest.approx([43 / 10, 34 / 8])


def test_a_signal_listed_twice_shows_its_last_state(record):
    def change(proto):
        for state in (LightState.GO, LightState.STOP):
            signal = proto.dynamic_map_states[CURRENT].lane_states.add(lane=77, state=int(state))
            signal.stop_point.x = float(state)

    scenario = decode_scenario(changed(record, change), "here")
    row = scenario.light_lane.tolist().index(77)
    assert scenario.light_state[row, CURRENT] == LightState.STOP
    assert scenario.light_stop[row, CURRENT, 0] == LightState.STOP
    assert scenario.light_state[row, CURRENT + 1] == LightState.UNLISTED


def test_real_scenarios_decode(womd):
    """All 14, with what the readers of the metric and the tokens count on."""
    found = [s for path in sorted(womd.glob("*.tfrecord-*")) for s in read_scenarios(path)]
    assert len(found) >= 14
    for scenario in found:
        assert not isinstance(scenario, InputError), scenario
        assert scenario.valid[scenario.sdc, CURRENT]
        assert np.isfinite(scenario.position[scenario.valid]).all()
        assert np.isfinite(scenario.heading[scenario.valid]).all()  # some turn more than once
        assert (scenario.size[scenario.simulated, :2] > 0.1).all()
        assert scenario.map_start[-1] == len(scenario.map_point)
        assert set(scenario.evaluated) <= set(scenario.simulated)
    assert any(len(scenario.light_lane) for scenario in found)
