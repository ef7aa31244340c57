"""Archives: 150 shards with every scenario once, the same bytes each time, or none at all."""

import tarfile

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.scenarios.lookup import ScenarioLookup
from simagents.submission import submit
from simagents.submission.check_submission import check
from simagents.submission.submission_pb2 import SimAgentsChallengeSubmission
from simagents.submission.submit import Args, RefusedError, pack


def given(claims, kept, metadata, out, **changes):
    return Args([kept(claims(32))], out, metadata=metadata, **changes)


def test_a_submission_as_the_server_takes_it(tmp_path, claims, kept, metadata, shard, capsys):
    args = given(claims, kept, metadata, tmp_path / "submission.tar.gz", scenarios=shard)
    submit.main(args)
    assert "150 shards" in capsys.readouterr().out
    found = {}
    with tarfile.open(args.out, "r:gz") as archive:
        names = archive.getnames()
        for member in archive:
            message = SimAgentsChallengeSubmission.FromString(archive.extractfile(member).read())
            found |= {scenario.scenario_id: scenario for scenario in message.scenario_rollouts}
            message.ClearField("scenario_rollouts")
            assert message == metadata.message()
    assert names == [f"submission.binproto-{place:05d}-of-00150" for place in range(150)]
    assert list(found) == sorted(claims())
    for scenario, (object_id, rollouts) in claims(32).items():
        scene = found[scenario].joint_scenes[31].simulated_trajectories
        assert [one.object_id for one in scene] == object_id.tolist()
        np.testing.assert_array_equal(np.float32(scene[0].center_y), rollouts[31, 0, :, 1])
    assert check(args.out, ScenarioLookup(shard))[0] == []


def test_equal_rollouts_give_equal_bytes_however_they_are_split(tmp_path, claims, kept, metadata):
    whole = list(claims().items())
    together = [kept(dict(whole))]
    apart = [kept(dict([one]), f"{number}.safetensors") for number, one in enumerate(whole[::-1])]
    for name, files in (("a", together), ("b", apart)):
        pack(files, tmp_path / f"{name}.tar.gz", metadata, shards=2, rollouts_each=2)
    a = (tmp_path / "a.tar.gz").read_bytes()
    assert (tmp_path / "b.tar.gz").read_bytes() == a
    # Shards can be packed again, say with other metadata.
    (tmp_path / "shards").mkdir()
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        archive.extractall(tmp_path / "shards", filter="data")
    pack([tmp_path / "shards"], tmp_path / "c.tar.gz", metadata, shards=2, rollouts_each=2)
    assert (tmp_path / "c.tar.gz").read_bytes() == a


def test_one_offence_and_there_is_no_archive(tmp_path, claims, kept, metadata, shard, scenarios):
    claimed = claims()
    first, second = scenarios[0].id, scenarios[1].id
    claimed[first][1][1, 0, 0, 0] = np.inf
    claimed["stranger"] = claimed.pop(second)
    out = tmp_path / "out" / "submission.tar.gz"
    with pytest.raises(RefusedError) as caught:
        pack([kept(claimed)], out, metadata, 2, ScenarioLookup(shard), rollouts_each=2)
    reasons = caught.value.reasons
    assert set(reasons) == {first, second, "stranger"}
    assert "NaN or infinite" in reasons[first]
    assert reasons[second] == "has no rollouts."
    assert reasons["stranger"] == "is none of the scenarios given."
    assert not list(out.parent.iterdir())


def test_offences_are_printed(tmp_path, claims, kept, metadata, scenarios, capsys):
    args = given(claims, kept, metadata, tmp_path / "s.tar.gz")
    args.rollouts = [kept(claims(3))]
    with pytest.raises(SystemExit) as ended:
        submit.main(args)
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert f"{scenarios[0].id}: has 3 joint scenes; 32 are needed." in told
    assert "3 scenarios offend; " in told


def test_metadata_come_first(tmp_path, claims, kept, metadata):
    args = given(claims, kept, metadata, tmp_path / "s.tar.gz")
    args.metadata = metadata.model_copy(update={"authors": []})
    with pytest.raises(InputError, match="metadata are not complete: authors must"):
        submit.main(args)
    args.rollouts = []
    with pytest.raises(InputError, match="give the files"):
        submit.main(args)


@pytest.mark.parametrize("name", ["submission.zip", "folder.tar.gz"])
def test_what_the_server_would_not_take_is_not_begun(tmp_path, claims, kept, metadata, name):
    (tmp_path / "folder.tar.gz").mkdir()
    with pytest.raises(InputError, match=r"must be a file that ends in \.tar\.gz"):
        submit.main(given(claims, kept, metadata, tmp_path / name))


def test_too_large_a_shard_is_an_error(tmp_path, claims, kept, metadata, monkeypatch):
    monkeypatch.setattr(submit, "LARGEST_SHARD", 1000)
    with pytest.raises(InputError, match="give more --shards"):
        pack([kept(claims())], tmp_path / "s.tar.gz", metadata, shards=1, rollouts_each=2)


def test_archives_are_unpacked_first(tmp_path, claims, kept, metadata):
    pack([kept(claims())], tmp_path / "s.tar.gz", metadata, shards=1, rollouts_each=2)
    with pytest.raises(InputError, match="unpack archives first"):
        pack([tmp_path / "s.tar.gz"], tmp_path / "t.tar.gz", metadata, rollouts_each=2)
