"""Starting, watching and ending `simagents train` on the shared files of `disk`."""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from warm import ended


@pytest.fixture(scope="session")
def launch(disk, warm, tmp_path_factory):
    """Starts `simagents train` with files in `folder`; answers with the process.

    Processes of a job are children of torchrun, or hand on what it signals.
    """
    programs = Path(sys.executable).parent
    simagents = warm.program(tmp_path_factory.mktemp("program") / "simagents")

    def begin(folder, recipe, *extra, processes=1, program=()):
        command = [*(program or [str(simagents)]), "train", "--recipe", str(recipe)]
        if processes > 1:
            launcher = ["--standalone", f"--nproc-per-node={processes}", "--no-python"]
            command = [str(programs / "torchrun"), *launcher, *command]
        command += ["--tokens", *map(str, disk.tokens), "--scenarios", *map(str, disk.scenarios)]
        command += ["--vocabulary", str(disk.vocabulary), "--resume", str(folder / "resume")]
        for name in ("weights", "history", "provenance"):
            command += [f"--{name}", str(folder / name)]
        command += ["--save-every", "2", "--workers", "0", *extra]
        environment = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
        path = f"{programs}{os.pathsep}{environment['PATH']}"
        environment |= {"OMP_NUM_THREADS": "1", "PATH": path}
        if processes == 1 and not program:
            return warm.begin("simagents.cli", command[1:], env=environment)
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    return begin


@pytest.fixture(scope="session")
def wait_for():
    """Waits until something is so while a process runs."""

    def wait(process, ready):
        deadline = monotonic() + 100
        while not ready():
            assert process.poll() is None, process.communicate()[0]
            assert monotonic() < deadline
            sleep(0.002)

    return wait


@pytest.fixture(scope="session")
def finish():
    """Waits for the end of a process; returns its output."""

    def wait(process, code=0):
        output = ended(process, 180)
        assert process.returncode == code, output
        return output

    return wait


@pytest.fixture(scope="module")
def start(launch, recipe):
    """Starts a run of the test file's own recipe, saved every second step; its files in `folder`."""
    return lambda folder, *extra, **options: launch(folder, recipe, *extra, **options)


@pytest.fixture(scope="module")
def whole(start, finish, tmp_path_factory):
    """The folder of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    finish(start(folder))
    return folder


@pytest.fixture(scope="session")
def command(launch, finish):
    """Trains to the end."""
    return lambda *arguments, **options: finish(launch(*arguments, **options))
