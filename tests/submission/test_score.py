"""Scoring from files: every form the same numbers, every failure its line, every kill survived."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from simagents.errors import InputError
from simagents.metrics import Challenge, LogReference, rollout_statistics, score
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.womd.encode import encode_scenario
from simagents.scenarios.womd.tfrecord import write_records
from simagents.submission import score as command
from simagents.submission.score import Args, score_files
from simagents.submission.submit import pack


@pytest.fixture(scope="module")
def expected(scenarios, claims):
    """By the metric itself."""
    rows = []
    for scenario in scenarios:
        reference = LogReference.of(scenario, Challenge.of(2025))
        rollouts = torch.from_numpy(claims()[scenario.id][1])
        numbers = score(reference, rollout_statistics(reference, rollouts)).numbers()
        rows.append({"scenario_id": scenario.id, **numbers})
    return pd.DataFrame(sorted(rows, key=lambda row: row["scenario_id"]))


def test_every_form_gives_the_metrics_numbers(
    tmp_path, shard, scenarios, claims, kept, metadata, expected
):
    """TFRecord or cached scenarios; our files, with agents in another order; shards; an archive."""
    records = tmp_path / "validation.tfrecord-00000-of-00001"
    write_records(records, [encode_scenario(scenario) for scenario in reversed(scenarios)])
    ours = kept({name: (ids[::-1], r[:, ::-1]) for name, (ids, r) in claims().items()})
    pack([ours], tmp_path / "submission.tar.gz", metadata, shards=2, rollouts_each=2)
    shards = tmp_path / "shards"
    with tarfile.open(tmp_path / "submission.tar.gz") as archive:
        archive.extractall(shards, filter="data")
    for where, rollouts in (
        (shard, ours),
        (records, tmp_path / "submission.tar.gz"),
        (shard, shards),
        (shard, shards / "submission.binproto-*"),
    ):
        outcome = score_files(where, rollouts, 2025, rollouts_each=2)
        pd.testing.assert_frame_equal(outcome.scores, expected, check_exact=True)
        assert (outcome.refused, outcome.missing, outcome.damage) == ({}, [], [])


def test_each_failure_has_a_line_and_the_rest_is_scored(tmp_path, scenarios, claims, kept, capsys):
    """Six copies of a scenario with something wrong each, one that is right, and a stranger."""
    named = {
        why: replace(scenarios[0], id=why)
        for why in ("good", "lacking", "nan", "short", "few", "twice", "absent")
    }
    write_scenarios(tmp_path / "scenes.safetensors", named.values())
    ids, rollouts = claims()[scenarios[0].id]
    nan = rollouts.copy()
    nan[1, 2, 3, 0] = np.nan
    claimed = {
        "good": (ids, rollouts),
        "lacking": (ids[1:], rollouts[:, 1:]),
        "nan": (ids, nan),
        "few": (ids, rollouts[:1]),
        "twice": (ids, rollouts),
        "stranger": (ids, rollouts),
    }
    folder = tmp_path / "rollouts"
    folder.mkdir()
    kept(claimed, "rollouts/a.safetensors")
    kept({"twice": (ids, rollouts)}, "rollouts/b.safetensors")
    short = {"short.object_id": ids, "short.trajectories": rollouts[:, :, :79].copy()}
    save_file(short, folder / "c.safetensors")
    args = Args(
        tmp_path / "scenes.safetensors", folder, 2025, tmp_path / "scores.parquet", rollouts=2
    )
    with pytest.raises(SystemExit) as ended:
        command.main(args)
    assert ended.value.code == 1
    told = capsys.readouterr()
    for line in (
        f"lacking: joint_scenes[0] lacks agent {ids[0]}, which the log sees at the current step.",
        f"nan: joint_scenes[1] has NaN or infinite values for agent {ids[2]}.",
        "short: has 79 steps; 80 are needed.",
        "few: has 1 joint scene; 2 are needed.",
        "twice: is given more than once; it is not scored.",
        "stranger: is none of the scenarios given.",
        "absent: has no rollouts.",
    ):
        assert line in told.err.splitlines()
    assert "1 scenarios scored, 6 refused, 1 without rollouts." in told.out
    assert pd.read_parquet(args.out).scenario_id.tolist() == ["good"]


def test_scenarios_may_be_meant_to_lack_rollouts(tmp_path, shard, scenarios, claims, kept, capsys):
    one = {scenarios[0].id: claims()[scenarios[0].id]}
    command.main(
        Args(shard, kept(one), 2025, tmp_path / "scores.parquet", rollouts=2, partial=True)
    )
    assert "0 without rollouts" in capsys.readouterr().out
    assert pd.read_parquet(tmp_path / "scores.parquet").attrs["challenge"] == 2025


def test_killed_and_started_again_it_goes_on(tmp_path, scenarios, claims, kept, monkeypatch):
    """kill -9 of the process, while two others work for it; these end too."""
    named = [replace(scenarios[0], id=f"{number:02d}") for number in range(24)]
    write_scenarios(tmp_path / "scenes.safetensors", named)
    rollouts = kept({one.id: claims()[scenarios[0].id] for one in named})
    words = [tmp_path / "scenes.safetensors", rollouts, "--challenge", 2025, "--rollouts", 2]
    words += ["--workers", 2, "--out", tmp_path / "scores.parquet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "simagents.cli", "score", *map(str, words)],
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    while (
        not (written := list(tmp_path.glob(".scores.parquet.*"))) or not written[0].stat().st_size
    ):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.stderr.read()  # which ends when the last worker has ended
    process.wait()
    assert not (tmp_path / "scores.parquet").exists()
    done = len(written[0].read_bytes().splitlines())
    assert 0 < done < len(named)

    scored = []
    original = command.Scorer.__call__
    monkeypatch.setattr(
        command.Scorer, "__call__", lambda s, e: scored.append(e.scenario) or original(s, e)
    )
    args = Args(tmp_path / "scenes.safetensors", rollouts, 2025, tmp_path / "scores.parquet")
    args.rollouts = 2
    command.main(args)
    assert len(named) - done <= len(scored) <= len(named) - done + 1  # a torn line is done again
    resumed = pd.read_parquet(args.out)
    pd.testing.assert_frame_equal(
        resumed, score_files(args.scenarios, rollouts, 2025, rollouts_each=2).scores
    )
    assert not list(tmp_path.glob(".scores.parquet.*"))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"device": "nowhere"}, "--device nowhere cannot be used"),
        ({"device": "cuda:99"}, "--device cuda:99 cannot be used"),
        ({"rollouts_each": 0}, "--rollouts must be at least 1"),
        ({"workers": 0}, "--workers must be at least 1"),
    ],
)
def test_options_that_cannot_be_meant(shard, claims, kept, option, words):
    with pytest.raises(InputError, match=words):
        score_files(shard, kept(claims()), 2025, **option)


def test_types_that_numpy_lacks_are_refused_and_the_rest_is_scored(
    tmp_path, shard, scenarios, claims, kept
):
    ids, rollouts = claims()[scenarios[0].id]
    arrays = {"object_id": torch.tensor(ids), "trajectories": torch.tensor(rollouts).bfloat16()}
    (tmp_path / "rollouts").mkdir()
    kept({scenarios[1].id: claims()[scenarios[1].id]}, "rollouts/a.safetensors")
    save_torch_file(
        {f"{scenarios[0].id}.{name}": array for name, array in arrays.items()},
        tmp_path / "rollouts/b.safetensors",
    )
    outcome = score_files(shard, tmp_path / "rollouts", 2025, rollouts_each=2)
    reason = "has arrays of a type that numpy lacks; int64 and float32 are needed."
    assert outcome.refused == {scenarios[0].id: reason}
    assert outcome.scores.scenario_id.tolist() == [scenarios[1].id]


def test_the_evaluator_of_2024():
    assert command.challenge_of(2024, "1.6.4").time_to_collision_of_all
    assert command.challenge_of(2024, "1.6.7") == Challenge.of(2024)
    with pytest.raises(InputError, match=r"1\.6\.4 does not know the challenge of 2025"):
        command.challenge_of(2025, "1.6.4")


@pytest.mark.parametrize("configuration", ["2024_code1.6.4", "2025"])
def test_official_values_come_through_the_official_format(
    tmp_path, womd, metadata, kept, configuration
):
    """Real scenarios, packed as a submission, read from its archive."""
    year, _, evaluator = configuration.partition("_code")
    scene = min(womd.glob("golden/*/randwalk")).parent
    write_records(tmp_path / "a.tfrecord", [(scene / "scenario.pb").read_bytes()])
    for case in sorted(path.parent for path in scene.glob("*/official.json"))[:3]:
        arrays = np.load(case / "rollouts.npz")
        rollouts = np.stack([arrays[name] for name in ("x", "y", "z", "heading")], axis=-1)
        ours = kept(
            {scene.name: (arrays["object_id"].astype(np.int64), rollouts)},
            f"{case.name}.safetensors",
        )
        pack([ours], tmp_path / f"{case.name}.tar.gz", metadata, shards=3)
        outcome = score_files(
            tmp_path / "a.tfrecord",
            tmp_path / f"{case.name}.tar.gz",
            command.challenge_of(int(year), evaluator or "1.6.7"),
        )
        official = json.loads((case / "official.json").read_text())["configs"][configuration]
        for name, value in official["metrics"].items():
            if name != "scenario_id":
                error = 1e-5 if name.endswith("displacement_error") else 2e-7
                found = outcome.scores[name].item()
                assert found == pytest.approx(value, rel=1e-6, abs=error), (case.name, name)
