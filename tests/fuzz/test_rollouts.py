"""Damaged rollouts, as a submission or in our own format: scored, or refused in words."""

import gzip
import io
import json
import tarfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from fuzz.cases import Case, fuzz
from fuzz.damage import damage_bytes, damage_content, damage_proto
from simagents.scenarios.lookup import ScenarioLookup
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.womd.wire import message
from simagents.submission.check_submission import check
from simagents.submission.joint_scene import encode
from simagents.submission.metadata import Metadata
from simagents.submission.score import FIELDS, score_files
from simagents.submission.submission_pb2 import ScenarioRollouts, SimAgentsChallengeSubmission
from simagents.submission.submit import RefusedError, pack

ROLLOUTS = 2
_FIELD = SimAgentsChallengeSubmission.SCENARIO_ROLLOUTS_FIELD_NUMBER
_NAME = "submission.binproto-00000-of-00001"


@pytest.fixture(scope="module")
def scenario(street):
    return street(start=((0.0, 0.0), (14.0, 1.0)), speed=(9.0, 8.0), types=(1, 2), stop=30.0)


@pytest.fixture(scope="module")
def shard(scenario, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("scenarios") / "scenarios.safetensors"
    write_scenarios(path, [scenario])
    return path


@pytest.fixture(scope="module")
def claim(scenario, as_rollouts):
    """Object ids and trajectories that are as they should be."""
    return scenario.agent_id, as_rollouts(scenario, ROLLOUTS, noise=0.3).numpy()


@pytest.fixture(scope="module")
def use(shard):
    """Scores a file; asserts that scores are numbers, and that what is not scored has a reason."""

    def run(path: Path) -> None:
        outcome = score_files(shard, path, 2025, rollouts_each=ROLLOUTS)
        assert np.isfinite(outcome.scores[FIELDS].to_numpy(float)).all()
        assert all(outcome.refused.values())
        # Each scenario is scored, refused or missing; what cannot be read is reported as damage.
        known = {*outcome.scores["scenario_id"], *outcome.refused, *outcome.missing}
        assert set(ScenarioLookup(shard)) <= known

    return run


def submission(claim, case: Case) -> bytes:
    """A shard, damaged in a scenario's rollouts, in its metadata or somewhere in its bytes."""
    rollouts = ScenarioRollouts.FromString(encode("street", *claim))
    metadata = SimAgentsChallengeSubmission(
        account_name="someone@example.org", unique_method_name="noise", authors=["A. Driver"]
    )
    where = case.draw.choice(("rollouts", "rollouts", "metadata", "bytes", "bytes of metadata"))
    if where == "rollouts":
        damage_proto(rollouts, case)
    elif where == "metadata":
        damage_proto(metadata, case)
    last = metadata.SerializeToString()
    if where == "bytes of metadata":
        last = damage_bytes(last, case, most=1)
    data = message(_FIELD, rollouts.SerializeToString()) + last
    return damage_bytes(data, case) if where == "bytes" else data


def archive(data: bytes, case: Case) -> bytes:
    """A compressed archive of the shard, perhaps damaged before or after compression."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(_NAME)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    packed = file.getvalue()
    where = case.draw.choice(("tar", "header", "gzip", "nowhere"))
    if where == "tar":
        packed = damage_bytes(packed, case)
    elif where == "header":
        packed = damage_bytes(packed[:512], case) + packed[512:]
    packed = gzip.compress(packed, 1)
    return damage_bytes(packed, case) if where == "gzip" else packed


def test_submissions(claim, use, shard, tmp_path):
    def attempt(case):
        data = submission(claim, case)
        path = tmp_path / "submission.binproto"
        if case.draw.random() < 0.5:
            path, data = tmp_path / "submission.tar.gz", archive(data, case)
        path.write_bytes(data)
        check(path, ScenarioLookup(shard), rollouts=ROLLOUTS)
        use(path)

    fuzz("submissions", 60, attempt)


def damaged_file(data: bytes, case: Case) -> bytes:
    """A safetensors file, damaged in its header's content, in its numbers or anywhere."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    where = case.draw.choice(("header", "numbers", "bytes"))
    if where == "bytes":
        return damage_bytes(data, case)
    if where == "header":
        damage_content(header, case)
    else:
        numbers = np.frombuffer(body, "<f4").copy()
        for place in case.draw.sample(range(len(numbers)), 3):
            numbers[place] = case.draw.choice((np.nan, np.inf, 1e30, -1e18, 1e9, 1e-40))
            case.changes.append(f"number {place} is {numbers[place]}")
        body = numbers.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_rollout_files(claim, use, tmp_path):
    whole = tmp_path / "whole.safetensors"
    with writing_rollouts(whole) as keep:
        keep("street", *claim)
    metadata = Metadata(account_name="someone@example.org", unique_method_name="noise")

    def attempt(case):
        # A new name each time, since a file's header is kept in memory for as long as it is the same.
        path = tmp_path / f"{case.number}.safetensors"
        path.write_bytes(damaged_file(whole.read_bytes(), case))
        with suppress(RefusedError):
            pack([path], tmp_path / "packed.tar.gz", metadata, 1, rollouts_each=ROLLOUTS)
        use(path)

    fuzz("rollout files", 60, attempt)
