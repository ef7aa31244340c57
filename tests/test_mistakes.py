"""Ten mistakes that people make. Each is one sentence that says what to do, with an exit code that is not
zero, without a traceback, and leaves no half-written file.

Mistakes that other files test are not tested again:

1.  A typo in the configuration: `workflow/test_what_users_type.py`
    (test_a_slip_in_the_configuration_names_what_was_meant) and `config/test_configuration.py`.
2.  A scale, table or figure that there is not: on Snakemake's command line in
    `workflow/test_what_users_type.py` (test_a_slip_on_the_command_line_names_what_was_meant), in
    commands here.
3.  Missing data: `workflow/test_what_users_type.py` (test_womd_that_is_not_linked_is_said_in_one_sentence,
    test_fewer_shards_than_the_scale_wants_are_no_smaller_paper) and `doctor/test_doctor.py`.
4.  A wrong path: here, of every command.
5.  Too few rollouts: of a scenario among others in `submission/test_score.py`
    (test_each_failure_has_a_line_and_the_rest_is_scored), none at all here.
6.  Missing LaTeX: here, and in `workflow/test_plan_of_jobs.py`
    (test_without_latexmk_the_paper_says_what_to_do) and `doctor/test_doctor.py`.
7.  A wrong year: here; the metric's own sentence in `metrics/test_likelihood.py`.
8.  A corrupt cache: of training's saves in `training/test_saves.py`, of a whole shard in
    `scenarios/test_shard_file.py`, through commands here.
9.  A full disk: of training in `training/test_stopping.py`, `test_saves.py` and `test_results.py`, of other
    commands here.
10. No GPU where one is needed: of a plan here and in `doctor/test_doctor.py`, of `--device` here.
"""

import errno
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simagents.cli import main
from simagents.commands import COMMANDS
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.synthetic.__main__ import Args as Synthesis
from simagents.scenarios.synthetic.__main__ import main as synthesize

ROOT = Path(__file__).parents[1]
EVALUATION = (
    "evaluate --baseline stand_still --scenarios shard.safetensors --rollouts 1 --challenge 2025 --top-k 0"
    " --temperature 1 --seed 0 --out out.parquet"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to work in."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def refused(place, monkeypatch, capsys):
    """Types `simagents WORDS`; returns the sentence, when nothing was written."""

    def type_(words, code=2):
        before = sorted(place.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["simagents", *shlex.split(words)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        assert sorted(place.rglob("*")) == before
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        sentences = [line for line in told.err.splitlines() if line.startswith("simagents: ")]
        assert len(sentences) == 1
        return sentences[0].removeprefix("simagents: ")

    return type_


@pytest.fixture
def shard(place, scenarios):
    """Cached scenarios."""
    write_scenarios(place / "shard.safetensors", scenarios[:1])
    return place / "shard.safetensors"


# ---- 2: a scale or a table that there is not ----------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("trace alhpa sft kl", "TABLE: unknown value `alhpa`; did you mean `alpha`?"),
        ("trace alpha sft kl --scale dmo", "scale: unknown value `dmo`; did you mean `demo`?"),
        ("costs --scale papr", "scale: unknown value `papr`; did you mean `paper`?"),
        ("power --scale lap", "scale: unknown value `lap`; did you mean `lab`?"),
    ],
)
def test_what_there_is_not_names_the_nearest(refused, place, words, sentence):
    assert refused(f"{words} --root {ROOT}") == sentence


# ---- 4: a wrong path -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in COMMANDS
        # One needs no file. One takes signals and ranks of this process for itself; see training/.
        if name not in ("synthesize", "train")
    ],
)
def test_a_file_that_is_not_there_is_named(refused, name):
    """In an empty folder no file of an example is there."""
    words = COMMANDS[name].example.replace('"$(cat calibration.json)"', f"'{CALIBRATION}'")
    words = words.replace('"$(cat gradients.json)"', f"'{GRADIENTS}'")
    words = words.replace('"$(cat facts.json)"', "'{}'")
    told = refused(f"{name} {words}")
    assert any(words in told for words in NOT_THERE)


NOT_THERE = (
    "there is no such", "there is no folder", "no file is called like that", "not a clone of",
)  # fmt: skip
CALIBRATION = (
    '{"reward": {"kind": "realism", "challenge": 2025, "scored": "scene"}, "rollouts": 1, "seed": 0,'
    ' "sampling": {"top_k": 0, "temperature": 1.0}, "held_out": 1}'
)
GRADIENTS = (
    '{"scenes": 3, "rollouts": 2, "group": 2, "challenge": 2025, "seed": 0,'
    ' "sampling": {"top_k": 0, "temperature": 1.0}}'
)


# ---- 5, 7, 10: numbers that cannot be meant -------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("--rollouts 0", "--rollouts is 0 and must be at least 1."),
        ("--challenge 2022", "there is no challenge year 2022; choose one of 2023, 2024, 2025."),
        ("--top-k -1", "top_k: -1 must be greater than or equal to 0."),
        ("--temperature 0", "temperature: 0.0 must be greater than 0."),
        ("--limit -3", "--limit is -3; give a number of scenarios, or 0 for all."),
    ],
)
def test_an_option_out_of_range_is_named(refused, shard, more, sentence):
    assert refused(f"{EVALUATION} {more}") == sentence


def test_a_device_that_is_not_there_is_named(refused, shard):
    told = refused(f"{EVALUATION} --device cuda:99")
    assert told.startswith("--device cuda:99 cannot be used: ")


def test_a_year_without_a_challenge_names_the_years(place, monkeypatch, capsys):
    """The library that reads options says it, in a box of its own."""
    words = ["score", "a", "b", "--challenge", "2022", "--out", "c"]
    monkeypatch.setattr(sys, "argv", ["simagents", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "invalid choice '2022' for argument '--challenge'" in said
    assert "('2023', '2024', '2025')" in said


def test_a_plan_for_gpus_fails_on_a_machine_without(monkeypatch, capsys):
    monkeypatch.setattr("simagents.doctor.machine.seen_by_torch", list)
    monkeypatch.setattr(sys, "argv", ["simagents", "doctor", "--scale", "lab", "--root", str(ROOT)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " GPU  " in line]
    assert line.startswith("fail  GPU            none; a training job has compute.gpus: 8. Use")


# ---- 6: missing LaTeX ------------------------------------------------------------------------------------


def test_the_script_that_installs_latex_says_what_to_type(tmp_path):
    """For those who may not install it themselves."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    done = subprocess.run(
        [shutil.which("bash"), str(ROOT / "envs/latex.sh")],
        capture_output=True, text=True, env={"PATH": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0  # everything but the PDF can be made
    assert done.stderr.startswith(
        "LaTeX is incomplete, so there will be no PDF; install it with: apt-get install latexmk"
    )


# ---- 8: a corrupt cache -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [EVALUATION, "score shard.safetensors shard.safetensors --challenge 2025 --out out.parquet"],
)
@pytest.mark.parametrize("kept", [100, -1000])
def test_a_cut_cache_is_to_be_made_again(refused, shard, words, kept):
    shard.write_bytes(shard.read_bytes()[:kept])
    told = refused(words)
    assert told.startswith("shard.safetensors: not a shard of this project")
    assert told.endswith("make it again.")


# ---- 9: a full disk -------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_leaves_nothing_and_is_one_sentence(tmp_path):
    """A limit on the size of files stands for the disk; safetensors writes by itself, in Rust."""
    synthesize(Synthesis(tmp_path / "records", seed=5, first=2, count=1))
    words = f"{shlex.quote(sys.executable)} -m simagents.cli cache records --out deep/shard"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 1; exec {words}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == os.EX_IOERR
    assert done.stderr.splitlines()[-1] == (
        "simagents: deep/shard: cannot be written (File too large); make room or choose another place."
    )
    assert not list((tmp_path / "deep").iterdir())


@pytest.mark.parametrize("writer", ["write_text", "mkdir"])
def test_text_and_folders_meet_a_full_disk_as_well(refused, place, monkeypatch, writer):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, writer, full)
    told = refused(f"costs --scale demo --root {ROOT} --out costs.md", os.EX_IOERR)
    assert told == (
        "costs.md: cannot be written (No space left on device); make room or choose another place."
    )
