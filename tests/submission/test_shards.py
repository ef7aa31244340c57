"""Shards are read as a stream, alone and in archives, and damage ends what it must and no more."""

import gzip
import io
import tarfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simagents.errors import InputError
from simagents.submission.entry import InMemory, InShard
from simagents.submission.joint_scene import encode
from simagents.submission.shards import Shards
from simagents.submission.sources import Sources
from simagents.submission.submission_pb2 import SimAgentsChallengeSubmission


def rollouts_of(scenario):
    return encode(scenario, np.array([1, 2]), np.full((2, 2, 80, 4), len(scenario), np.float32))


def shard_of(metadata, *scenarios):
    """As the official library serialises it."""
    shard = metadata.message()
    for scenario in scenarios:
        shard.scenario_rollouts.add().ParseFromString(rollouts_of(scenario))
    return shard.SerializeToString()


def packed(path, mode="w:gz", **members):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.text(min_size=1, max_size=12), max_size=5), st.booleans())
def test_a_walk_finds_what_parsing_finds(tmp_path, metadata, scenarios, metadata_first):
    """Whatever the order of fields, which the format leaves open."""
    path = tmp_path / "shard.binproto"
    first, last = shard_of(metadata, *scenarios), b""
    if metadata_first:
        last = SimAgentsChallengeSubmission.FromString(first)
        last.ClearField("submission_type")
        first, last = metadata.message().SerializeToString(), last.SerializeToString()
    path.write_bytes(first + last)
    shards = Shards(path)
    entries = list(shards)
    whole = SimAgentsChallengeSubmission.FromString(path.read_bytes())
    assert [entry.scenario for entry in entries] == [r.scenario_id for r in whole.scenario_rollouts]
    for entry in entries:
        assert isinstance(entry, InShard)
        assert entry.scenes()[1].trajectory[1, 79, 3] == len(entry.scenario)
    whole.ClearField("scenario_rollouts")
    (report,) = shards.reports
    assert report.metadata == whole
    assert report.scenarios == len(scenarios)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_an_archive_has_the_scenarios_of_its_shards(tmp_path, metadata, mode):
    path = packed(
        tmp_path / "any-name", mode, one=shard_of(metadata, "a", "bb"), two=shard_of(metadata, "c")
    )
    shards = Shards(path)
    found = {entry.scenario: entry for entry in shards}
    assert list(found) == ["a", "bb", "c"]
    assert isinstance(found["bb"], InMemory)
    assert found["bb"].scenes()[0].trajectory[0, 0, 0] == 2
    assert [report.name for report in shards.reports] == ["one", "two"]
    assert not shards.problem


def test_a_damaged_shard_does_not_hide_the_next_one(tmp_path, metadata):
    whole = shard_of(metadata, "a", "b")
    path = packed(tmp_path / "a.tar.gz", one=whole[: len(whole) * 2 // 3], two=whole, three=b"\x07")
    sources = Sources(path)
    assert [entry.scenario for entry in sources] == ["a", "a", "b"]
    assert len(sources.damage) == 2
    assert "one: is no submission message or a damaged one" in sources.damage[0]


@pytest.mark.parametrize("text", [b"noise", b"A. Driver"])
def test_text_that_is_no_text_is_damage(tmp_path, metadata, text):
    """A method's name, and one of several authors; the scenario is read all the same."""
    path = tmp_path / "shard.binproto"
    path.write_bytes(shard_of(metadata, "a").replace(text, b"\xff" + text[1:]))
    shards = Shards(path)
    assert [entry.scenario for entry in shards] == ["a"]
    assert "is no text" in shards.reports[0].problem
    assert shards.reports[0].metadata is None


@pytest.mark.parametrize("left", [0.5, 0.98, 1.0])
def test_a_cut_archive_is_read_as_far_as_it_goes(tmp_path, metadata, left):
    """Even if only the checksum at the end is missing."""
    path = packed(tmp_path / "a.tar.gz", one=shard_of(metadata, *map(str, range(30))))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * left) - 1])
    shards = Shards(path)
    assert len(list(shards)) <= 30
    assert "is no whole archive" in shards.problem


def test_a_wrong_checksum_is_damage(tmp_path, metadata):
    path = packed(tmp_path / "a.tar.gz", one=shard_of(metadata, "a"))
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    shards = Shards(path)
    assert len(list(shards)) == 1
    assert "is no whole archive" in shards.problem


def test_what_holds_no_rollouts_is_an_error(tmp_path, metadata):
    (tmp_path / "notes.binproto").write_text("not this one")
    with pytest.raises(
        InputError, match=r"no rollouts; .*notes.binproto: is no submission message"
    ):
        list(Sources(tmp_path))
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b"neither this"))
    with pytest.raises(InputError, match="is no whole archive"):
        list(Sources(tmp_path / "a.tar.gz"))
