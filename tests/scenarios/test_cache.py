"""Caching keeps what is good, names what is not, and never leaves half a file."""

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.scenarios import cache
from simagents.scenarios.scorable import NO_EDGE
from simagents.scenarios.shard_file import Shard
from simagents.scenarios.store import ScenarioStore
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd.encode import encode_scenario
from simagents.scenarios.womd.tfrecord import write_records


@pytest.fixture(scope="module")
def good():
    return [encode_scenario(generate_scenario(5, index)) for index in (2, 4)]


def run(tmp_path, records):
    write_records(tmp_path / "in" / "shard.tfrecord", records)
    out = tmp_path / "out" / "shard.safetensors"
    cache.main(cache.Args(tmp_path / "in" / "shard.tfrecord", out))
    return out


def test_good_scenarios_are_kept_and_bad_ones_named(tmp_path, good, capsys):
    out = run(tmp_path, [good[0], b"\xff" * 9, good[1]])
    header = Shard(out).header
    assert ScenarioStore([out]).ids == [generate_scenario(5, i).id for i in (2, 4)]
    assert header["source"] == "shard.tfrecord"
    (rejected,) = header["rejected"]
    assert "shard.tfrecord, record 1: not a WOMD Scenario proto" in rejected
    assert f"skipped: {rejected}" in capsys.readouterr().err


def test_scenarios_without_a_score_are_kept_and_counted(tmp_path, good, without_edges, capsys):
    bare = without_edges(generate_scenario(5, 0))
    out = run(tmp_path, [*good, encode_scenario(bare)])
    assert Shard(out).header["unscorable"] == {bare.id: NO_EDGE}
    assert len(ScenarioStore([out])) == 3
    said = "1 of 3 scenarios cannot be scored (has no road edge of two points or more: 1); reinf"
    assert said in capsys.readouterr().err


def test_a_second_scenario_of_the_same_id_is_unusable(tmp_path, good):
    out = run(tmp_path, [*good, good[0]])
    (rejected,) = Shard(out).header["rejected"]
    assert "is there twice" in rejected
    assert len(ScenarioStore([out])) == 2


def test_caching_again_gives_the_same_bytes(tmp_path, good):
    first = run(tmp_path, good).read_bytes()
    assert run(tmp_path, good).read_bytes() == first


def test_a_shard_without_a_usable_scenario_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match=r"no usable scenario among 2 records"):
        run(tmp_path, [b"\xff" * 9] * 2)
    assert not (tmp_path / "out").exists()


def test_a_truncated_file_leaves_nothing(tmp_path, good):
    """Nothing after the damage can be trusted, and a shard that lacks scenarios must not pass."""
    path = tmp_path / "shard.tfrecord"
    write_records(path, good)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"shard\.tfrecord, record 1: the file is truncated"):
        cache.main(cache.Args(path, tmp_path / "out" / "shard.safetensors"))
    assert not (tmp_path / "out").exists()


def test_real_scenarios_are_cached(tmp_path, womd):
    source = min(womd.glob("*.tfrecord-*"))
    out = tmp_path / "shard.safetensors"
    cache.main(cache.Args(source, out))
    store = ScenarioStore([out])
    assert len(store) >= 4
    assert Shard(out).header["rejected"] == []
    for row in range(len(store)):
        scenario = store[row]
        assert np.isfinite(scenario.position[scenario.valid]).all()
        assert scenario.valid[scenario.simulated, 10].all()
