"""What would stop the workflow is a failure, what would make it worse a warning, each with a way out."""

import os
import shutil
from collections import namedtuple
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from simagents.config.reading import read
from simagents.doctor import cluster, data, examine, machine, software
from simagents.doctor.finding import Finding
from simagents.doctor.machine import Gpu
from simagents.planning.plan import Plan
from simagents.scenarios.synthetic.__main__ import Args as Synthesis
from simagents.scenarios.synthetic.__main__ import main as synthesize

ROOT = Path(__file__).parents[2]
A100 = Gpu("A100", 80.0, True)
V100 = Gpu("V100", 16.0, False)


@pytest.fixture(scope="module")
def demo():
    return read(ROOT, {"scale": "demo", "data": "default"})


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A PATH with these programs only, by the lines of shell that they run."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(**scripts):
        for name, lines in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
            (folder / name).chmod(0o755)

    return write


# ---- software ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "state"),
    [("3.10.14", "fail"), ("3.11.0", "ok"), ("3.13.9", "ok"), ("3.14.0", "fail")],
)
def test_python_is_one_of_those_that_the_project_is_made_for(monkeypatch, here, state):
    monkeypatch.setattr(software.platform, "python_version", lambda: here)
    assert software.python(ROOT).state == state


def test_a_package_that_is_missing_stops_and_another_version_warns():
    def without(name):
        if name == "pyarrow":
            raise PackageNotFoundError(name)
        return version(name)

    missing = software.packages(ROOT, without)
    assert missing.state == "fail"
    assert missing.says.startswith("pyarrow missing: pip install -c constraints.txt")
    other = software.packages(ROOT, lambda name: "0.1" if name == "numpy" else version(name))
    assert other.state == "warn"
    assert "numpy 0.1 (pinned: " in other.says
    assert software.packages(ROOT).state == "ok"


def test_without_latexmk_there_is_no_pdf_and_without_a_package_no_end(programs):
    """What kpsewhich does not print is missing; the paper loads a class, `caption` and a style of bibtex."""
    assert software.latex(ROOT).state == "warn"
    without = "article.cls|caption.sty|plainnat.bst"
    programs(
        latexmk="", pdflatex="", kpsewhich=f'for f; do case $f in {without}) ;; *) echo "/t/$f";; esac; done'
    )  # fmt: skip
    found = software.latex(ROOT)
    said = "bibtex, article.cls, caption.sty, plainnat.bst missing; install them: make latex"
    assert (found.state, found.says) == ("fail", said)
    programs(bibtex="", kpsewhich='for f; do echo "/t/$f"; done')
    assert software.latex(ROOT).state == "ok"


@pytest.mark.parametrize(
    ("commit", "state"), [("unknown", "warn"), ("0123456789+changes", "warn"), ("0123456789", "ok")]
)
def test_results_must_be_able_to_name_their_code(commit, state):
    assert software.git(commit).state == state


# ---- machine -----------------------------------------------------------------------------------------


def test_the_rest_of_the_results_must_fit(tmp_path, monkeypatch):
    """Of 5 GB needed 2,000 bytes are there: 4.999998 GB are left, and a disk of 4.9 GB is too small."""
    results = tmp_path / "results"
    results.mkdir()
    (results / "there").write_bytes(bytes(2000))
    usage = namedtuple("usage", "total used free")
    for free, state in ((4.9e9, "fail"), (5e9 - 2000, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(0, 0, free))
        assert machine.disk(results, 5 * 10**9).state == state
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 5e8))
    assert machine.scratch().state == "warn"


def test_looking_whether_a_folder_can_be_written_leaves_nothing(tmp_path):
    assert machine.writable([tmp_path / "deep/results", tmp_path]).state == "ok"
    assert not list(tmp_path.iterdir())
    (tmp_path / "results").touch()
    found = machine.writable([tmp_path / "results"])
    assert (found.state, str(tmp_path / "results") in found.says) == ("fail", True)


def test_gpus_must_be_as_many_as_a_job_has(demo):
    lab = read(ROOT, {"scale": "lab"}).compute
    assert machine.gpus([], demo.compute, "float32", submits=False).state == "ok"
    missing = machine.gpus([A100], lab, "float32", submits=False)
    assert missing.state == "fail"
    assert missing.says.startswith("A100, 80 GB; a training job has compute.gpus: 8.")
    assert machine.gpus([], lab, "bfloat16", submits=True).state == "ok"
    assert machine.gpus([A100] * 8, lab, "bfloat16", submits=False).state == "ok"
    old = machine.gpus([V100] * 8, lab, "bfloat16", submits=False)
    assert (old.state, "V100 has no bfloat16" in old.says) == ("fail", True)


def test_a_container_has_the_memory_of_its_limit(tmp_path, monkeypatch, demo):
    """The demo's jobs have 6 GB."""
    for limit, state in (("5000000000", "warn"), ("7000000000", "ok"), ("max", "ok")):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        monkeypatch.setattr(machine, "LIMIT", tmp_path / "memory.max")
        monkeypatch.setattr(machine, "memory_gb", lambda: 64.0)
        assert machine.memory(demo.compute).state == state


def test_fewer_cores_than_a_job_has_are_slower(monkeypatch, demo):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert machine.cores(demo.compute).state == "ok"
    assert machine.cores(demo.compute.model_copy(update={"threads": 4})).state == "warn"


# ---- data --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def womd():
    return Plan.of(read(ROOT, {"scale": "demo", "data": "womd"}))


@pytest.fixture
def linked(tmp_path, womd):
    """Links shards of one synthetic record as WOMD's; returns their folder."""
    record = tmp_path / "record"
    synthesize(Synthesis(record, seed=5, first=2, count=1))
    for split in ("training", "validation"):
        folder = tmp_path / "resources/womd" / split
        folder.mkdir(parents=True)
        for number in range(getattr(womd.scenarios, f"{split}_shards")):
            (folder / f"{split}.tfrecord-{number:05d}-of-01000").symlink_to(record)
    return tmp_path / "resources/womd"


def test_linked_shards_are_found_and_decode(linked, womd, demo, tmp_path):
    assert data.data(womd, tmp_path).state == "ok"
    assert data.data(Plan.of(demo), tmp_path).says.startswith("synthetic scenarios")


def test_what_is_wrong_with_shards_is_named(linked, womd, tmp_path):
    first = linked / "training/training.tfrecord-00000-of-01000"
    odd = first.rename(first.with_name("a.tfrecord"))
    found = data.data(womd, tmp_path)
    assert (found.state, "a.tfrecord is not called like" in found.says) == ("warn", True)
    odd.unlink()
    assert "training holds 1 TFRecord files" in data.data(womd, tmp_path).says
    first.symlink_to(tmp_path / "nowhere")
    found = data.data(womd, tmp_path)
    assert (found.state, "which does not exist; link it again" in found.says) == ("fail", True)
    first.unlink()
    first.write_bytes(b"no record")
    found = data.data(womd, tmp_path)
    assert (found.state, "record 0: the file is truncated" in found.says) == ("fail", True)


# ---- cluster -----------------------------------------------------------------------------------------


def test_jobs_need_slurm_and_a_partition_that_exists(programs, tmp_path):
    assert cluster.cluster(tmp_path).says.startswith("sbatch, sinfo, squeue not found")
    programs(sbatch="", squeue="", sinfo="exit 1")
    assert cluster.cluster(tmp_path).says == "sinfo does not answer (CalledProcessError)."
    programs(sinfo='case "$*" in *%R*) echo gpu; echo short;; *) echo "gpu*";; esac')
    found = cluster.cluster(tmp_path)
    assert (found.state, "the cluster's default" in found.says) == ("warn", True)
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm/local.yaml").write_text("partition: shrt\n")
    found = cluster.cluster(tmp_path)
    assert (found.state, found.says) == (
        "fail", "partition: unknown value `shrt`; did you mean `short`?"
    )  # fmt: skip
    (tmp_path / "slurm/local.yaml").write_text("partition: short\n")
    assert cluster.cluster(tmp_path).says == "jobs go to partition short"


# ---- the command -------------------------------------------------------------------------------------


def test_every_check_has_one_line_and_a_failure_exit_code_1(monkeypatch, capsys):
    findings = [Finding("ok", "a", "x"), Finding("warn", "b", "y")]
    monkeypatch.setattr(examine, "examined", lambda _: findings)
    examine.main(examine.Args())
    assert capsys.readouterr().out.splitlines()[-1] == "0 failed, 1 with a warning"
    findings.append(Finding("fail", "c", "z"))
    with pytest.raises(SystemExit) as ended:
        examine.main(examine.Args())
    assert ended.value.code == 1
    assert capsys.readouterr().out.splitlines()[2] == "fail  c              z"


def test_the_scale_that_is_chosen_is_the_one_that_is_checked():
    found = {each.what: each for each in examine.examined(examine.Args(scale="demo", root=ROOT))}
    assert found["configuration"].says == "scale demo, synthetic data"
    assert list(found) == [
        "Python", "packages", "torch", "LaTeX", "git", "configuration", "permissions", "disk", "tmp",
        "data", "GPU", "memory", "cores",
    ]  # fmt: skip
    *_, last = examine.examined(examine.Args(scale="dmo", root=ROOT))
    assert (last.state, last.says) == ("fail", "scale: unknown value `dmo`; did you mean `demo`?")
    *_, last = examine.examined(examine.Args(profile="slurm", root=ROOT))
    assert last.what == "SLURM"
