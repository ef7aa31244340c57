"""Scenarios by id are the same from records and from cached shards."""

import pickle
from dataclasses import fields

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.scenarios.lookup import ScenarioLookup
from simagents.scenarios.scenario import CURRENT, Scenario
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.decode import decode_scenario
from simagents.scenarios.womd.encode import encode_scenario
from simagents.scenarios.womd.tfrecord import write_records


@pytest.fixture
def folder(tmp_path, scenarios):
    """The first scenario as a record, with what is none; the others cached."""
    write_records(
        tmp_path / "a.tfrecord-00000-of-00001", [encode_scenario(scenarios[0]), b"\xff" * 9]
    )
    write_scenarios(tmp_path / "b.safetensors", scenarios[1:])
    return tmp_path


def test_every_kind_is_found(folder, scenarios):
    lookup = pickle.loads(pickle.dumps(ScenarioLookup(folder)))
    assert list(lookup) == [scenario.id for scenario in scenarios]
    assert len(lookup.rejected) == 1
    assert "record 1: not a WOMD Scenario" in lookup.rejected[0]
    for scenario in scenarios:
        same = decode_scenario(encode_scenario(scenario), "")
        for field in fields(Scenario):
            if field.name != "mean_size":  # records have one size
                np.testing.assert_array_equal(
                    getattr(lookup[scenario.id], field.name), getattr(same, field.name)
                )
        np.testing.assert_array_equal(
            lookup.simulated(scenario.id), scenario.agent_id[scenario.simulated]
        )


def test_what_a_killed_command_left_is_no_shard(folder, scenarios):
    for pattern in (folder, folder / "*tfrecord*"):
        before = list(ScenarioLookup(pattern))
        (folder / ".a.tfrecord-00000-of-00001.7.partial").write_bytes(b"half")
        assert list(ScenarioLookup(pattern)) == before
        (folder / ".a.tfrecord-00000-of-00001.7.partial").unlink()


def test_agents_of_the_test_split_are_known(tmp_path, scenarios):
    """Its scenarios end with the current step, so they cannot be scored."""
    proto = scenario_pb2.Scenario.FromString(encode_scenario(scenarios[0]))
    for track in proto.tracks:
        del track.states[CURRENT + 1 :]
    write_records(tmp_path / "testing.tfrecord", [proto.SerializeToString()])
    lookup = ScenarioLookup(tmp_path / "testing.tfrecord")
    wanted = scenarios[0].agent_id[scenarios[0].simulated]
    np.testing.assert_array_equal(lookup.simulated(scenarios[0].id), wanted)
    with pytest.raises(InputError, match="the test split hides the future"):
        lookup[scenarios[0].id]


def test_damaged_records(tmp_path, scenarios):
    path = tmp_path / "a.tfrecord"
    write_records(path, [encode_scenario(scenario) for scenario in scenarios])
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    with pytest.raises(InputError, match="record 2: the file is truncated"):
        ScenarioLookup(path)
    path.write_bytes(whole[:-9] + b"?" + whole[-8:])
    lookup = ScenarioLookup(path)
    with pytest.raises(InputError, match="the payload's CRC is wrong"):
        lookup[scenarios[2].id]


def test_nothing_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"holds no file that is called"):
        ScenarioLookup(tmp_path)
    with pytest.raises(InputError, match="no file is called like that"):
        ScenarioLookup(tmp_path / "*.tfrecord")
