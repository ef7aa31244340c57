"""A copy of the workflow in which every command only touches its outputs."""

import fcntl
import os
import re
import shutil
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from warm import Warm, ended

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "config", "workflow", "profiles", "slurm", "paper", "envs")

# What follows an output's flag in the commands of the rules; `simagents` itself would do the work.
STUB = f"""#!{sys.executable} -S
import pathlib, sys
written = "out out-tex out-md out-html report weights history provenance pictures"
flags = ["--" + name for name in written.split()]
command, *words = sys.argv[1:]
if command == "tokenize":  # into a folder, under the names of the shards
    folder = pathlib.Path(words[words.index("--out") + 1])
    folder.mkdir(parents=True, exist_ok=True)
    for shard in words[: words.index("--vocabulary")]:
        (folder / pathlib.Path(shard).name).touch()
    sys.exit()
for flag, value in zip(words, words[1:]):
    reading = "evaluate", "calibrate", "gradients", "manoeuvres", "rank-planners"
    read = command in reading and flag == "--weights"
    read |= command == "figure" and flag == "--pictures"
    if flag in flags and not read:
        path = pathlib.Path(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        if command == "figure":
            path.with_suffix(".png").touch()
"""
TORCHRUN = """#!/bin/bash
while [ "$1" != --no-python ]; do shift; done
shift
exec "$@"
"""
LATEXMK = """#!/bin/bash
for word; do
  case $word in -outdir=*) mkdir -p "${word#*=}"; touch "${word#*=}/paper.pdf" ;; esac
done
"""


class Workflow:
    """A repository's workflow in a folder of its own, run by Snakemake in a process of its own.

    That is a fork of `warm`, but for a workflow with its own copy of the package.
    """

    def __init__(self, folder: Path, warm: Warm | None):
        self.folder = folder
        self.warm = warm

    def run(self, *words: str, succeeds: bool = True) -> str:
        """What `snakemake WORDS` prints."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path}
        if self.warm:
            process = self.warm.begin("snakemake.cli", words, cwd=self.folder, env=environment)
        else:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *words],
                cwd=self.folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        output = ended(process, 600)  # a busy machine takes several times as long
        assert (process.returncode == 0) == succeeds, output
        return output

    def planned(self, *words: str) -> dict[str, int]:
        """Jobs of each rule that `snakemake WORDS` would run, but for targets that only gather."""
        table = self.run("--dry-run", "--quiet", "rules", *words).rpartition("Job stats:")[2]
        jobs = Counter()
        for name, count in re.findall(
            r"^(\w+?)(?:_(?:training|validation)_\d+|_parent)? +(\d+)$", table, re.M
        ):
            jobs[name] += int(count)  # rules of few shards each count as one
        return {name: n for name, n in jobs.items() if name not in ("all", "default", "total")}

    def change(self, file: str, **values) -> None:
        """Set keys of a YAML file; dots lead inwards and are written as double underscores."""
        path = self.folder / file
        content = yaml.safe_load(path.read_text())
        for name, value in values.items():
            *outer, last = name.split("__")
            place = content
            for key in outer:
                place = place[key]
            place[last] = value
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def copy(self, folder: Path) -> "Workflow":
        """The same files, times and records elsewhere."""
        return Workflow(Path(shutil.copytree(self.folder, folder, symlinks=True)), self.warm)


@pytest.fixture(scope="session")
def _untouched(tmp_path_factory, warm) -> Workflow:
    folder = tmp_path_factory.mktemp("workflow") / "repository"
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        copy(source, folder / part)
    (folder / "slurm/local.yaml").unlink(missing_ok=True)
    for name, text in (("simagents", STUB), ("torchrun", TORCHRUN), ("latexmk", LATEXMK)):
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Workflow(folder, warm)


@pytest.fixture(scope="session")
def _finished(_untouched, tmp_path_factory, warm) -> Workflow:
    """Made by the first process of the test run that wants it; the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished-workflow"
    with (shared / "finished-workflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begun = _untouched.copy(shared / "begun-workflow")
            begun.run()  # bare: the number of cores is the default profile's
            begun.folder.rename(folder)
    return Workflow(folder, warm)


@pytest.fixture
def fresh(_untouched, tmp_path) -> Workflow:
    """The workflow as it comes, nothing made yet."""
    return _untouched.copy(tmp_path / "repository")


@pytest.fixture
def finished(_finished, tmp_path) -> Workflow:
    """The workflow after it has made everything at demo scale."""
    return _finished.copy(tmp_path / "repository")
