"""Archives of others: each offence has its sentence, with the shard or the scenario."""

import io
import tarfile

import pytest

from simagents.errors import InputError
from simagents.scenarios.lookup import ScenarioLookup
from simagents.submission import check_submission
from simagents.submission.check_submission import Args, check
from simagents.submission.joint_scene import encode


def shard_of(metadata, *rollouts):
    message = metadata.message()
    for data in rollouts:
        message.scenario_rollouts.add().ParseFromString(data)
    return message.SerializeToString()


@pytest.fixture
def rollouts(claims):
    """Valid `ScenarioRollouts` by scenario."""
    return {name: encode(name, *arrays) for name, arrays in claims().items()}


@pytest.fixture
def packed(tmp_path):
    def write(members, name="submission.tar.gz", mode="w:gz"):
        with tarfile.open(tmp_path / name, mode) as archive:
            for shard, data in members:
                member = tarfile.TarInfo(shard)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return tmp_path / name

    return write


def name(place, count):
    return f"submission.binproto-{place:05d}-of-{count:05d}"


def offences(path, scenarios=None):
    return check(path, scenarios, rollouts=2)[0]


def test_nothing_offends(packed, metadata, rollouts, shard):
    path = packed(
        (name(place, 3), shard_of(metadata, data)) for place, data in enumerate(rollouts.values())
    )
    assert offences(path) == []
    assert offences(path, ScenarioLookup(shard)) == []
    single = packed([("mine.binproto", shard_of(metadata, *rollouts.values()))])
    assert offences(single, ScenarioLookup(shard)) == []


def test_scenarios_offend(packed, metadata, rollouts, claims, shard, scenarios):
    first, second, third = (scenario.id for scenario in scenarios)
    ids, trajectories = claims()[first]
    lacking = encode(first, ids[1:], trajectories[:, 1:])
    shards = [shard_of(metadata, lacking, rollouts[second]), shard_of(metadata, rollouts[second])]
    path = packed((name(place, 2), data) for place, data in enumerate(shards))
    assert offences(path) == [f"{second}: is there 2 times."]
    assert offences(path, ScenarioLookup(shard)) == sorted([
        f"{first}: joint_scenes[0] lacks agent {ids[0]}, which the log sees at the current step.",
        f"{second}: is there 2 times.",
        f"{third}: is missing.",
    ])  # fmt: skip


def test_strangers_and_the_nameless_offend(packed, metadata, claims, shard, scenarios):
    ids, trajectories = claims()[scenarios[0].id]
    data = [encode("stranger", ids, trajectories), encode("", ids, trajectories)]
    found = offences(packed([(name(0, 1), shard_of(metadata, *data))]), ScenarioLookup(shard))
    assert "stranger: is none of the scenarios given." in found
    assert "(a scenario without id): has no scenario_id." in found


def test_metadata_offend_once(packed, metadata, rollouts):
    """Of the first shard they are named; others are only said to differ."""
    wrong = metadata.model_copy(update={"account_name": "me", "num_model_parameters": None})
    shards = [
        shard_of(one, data)
        for one, data in zip((wrong, wrong, metadata), rollouts.values(), strict=True)
    ]
    found = offences(packed((name(place, 3), data) for place, data in enumerate(shards)))
    assert found == [
        f"{name(0, 3)}: account_name is 'me' and must be the e-mail of an account.",
        f"{name(0, 3)}: num_model_parameters is '' and must be a whole number with K, M, B, T or"
        " nothing after it.",
        f"{name(2, 3)}: its metadata differ from those of {name(0, 3)}.",
    ]


def test_names_of_shards_offend(packed, metadata, rollouts):
    a, b, c = (shard_of(metadata, data) for data in rollouts.values())
    assert offences(packed([(name(0, 5), a), (name(1, 5), b), (name(4, 5), c)])) == [
        "2 of 5 shards are missing, the first is 00002."
    ]
    assert offences(packed([(name(0, 3), a), (name(1, 3), b), (name(2, 4), c)])) == [
        "names of shards disagree on how many there are: 3, 4."
    ]
    assert offences(packed([(name(0, 2), a), (name(1, 2), b), (name(1, 2), c)])) == [
        "shard 00001-of-00002 is there 2 times, numbered from 0."
    ]
    (found,) = offences(packed([("a.binproto", a), ("b.binproto", b), ("part2", c)]))
    assert found.startswith("part2: is no name of a shard")


def test_the_archive_offends(tmp_path, packed, metadata, rollouts):
    shards = [(name(0, 1), shard_of(metadata, *rollouts.values()))]
    plain = packed(shards, "submission.tar", "w")
    assert offences(plain) == [f"{plain}: must be a .tar.gz, an archive that gzip has compressed."]
    cut = packed(shards)
    cut.write_bytes(cut.read_bytes()[:-20])
    assert any("is no whole archive" in line for line in offences(cut))
    empty = packed([])
    assert offences(empty) == [f"{empty}: has no scenario."]
    junk = packed([(name(0, 1), b"\xff" * 40)])
    assert f"{name(0, 1)}: is no submission message" in offences(junk)[1]


def test_the_command_s_exit_status(packed, metadata, claims, shard, capsys):
    data = [encode(scenario, *arrays) for scenario, arrays in claims(32).items()]
    path = packed([(name(0, 1), shard_of(metadata, *data))])
    check_submission.main(Args(path, shard))
    assert "shards: 1, scenarios: 3, offences: 0." in capsys.readouterr().out
    path = packed([(name(0, 1), shard_of(metadata, *data[:2]))])
    with pytest.raises(SystemExit) as ended:
        check_submission.main(Args(path, shard))
    assert ended.value.code == 1
    assert "is missing." in capsys.readouterr().out
    with pytest.raises(InputError, match="no such file"):
        check_submission.main(Args(path.with_name("none"), shard))
