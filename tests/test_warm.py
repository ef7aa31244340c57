"""Forks of `warm.py` are processes as any other."""

import os
import signal
import subprocess

import pytest

from warm import Warm

COMMAND = """
import os, signal, sys

def main():
    word = sys.argv[1]
    print(os.getpid(), os.getcwd(), os.environ.get("WORD"), flush=True)
    if word == "wait":
        signal.pause()
    if word == "raise":
        raise RuntimeError("no more")
    sys.exit(int(word))
"""


@pytest.fixture(scope="module")
def begin(tmp_path_factory):
    """Begins the command above in a folder with a variable."""
    folder = tmp_path_factory.mktemp("command")
    (folder / "command.py").write_text(COMMAND)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        process = Warm(folder, "command")
    yield lambda word: process.begin("command", [word], cwd=folder, env={"WORD": "here"}), folder
    process.close()


def test_a_fork_has_its_folder_environment_output_and_status(begin):
    start, folder = begin
    fork = start("3")
    output, _ = fork.communicate(timeout=60)
    assert output == f"{fork.pid} {folder} here\n"
    assert fork.returncode == 3


def test_an_exception_is_shown_and_status_1(begin):
    fork = begin[0]("raise")
    assert fork.communicate(timeout=60)[0].endswith("RuntimeError: no more\n")
    assert fork.returncode == 1


def test_a_signal_reaches_the_fork_alone(begin):
    forks = [begin[0]("wait") for _ in range(2)]
    assert len({os.getpid(), *(fork.pid for fork in forks)}) == 3
    with pytest.raises(subprocess.TimeoutExpired):
        forks[0].communicate(timeout=0.1)
    forks[0].kill()
    forks[0].communicate(timeout=60)
    assert forks[0].returncode == -signal.SIGKILL
    assert forks[1].poll() is None
    forks[1].send_signal(signal.SIGTERM)
    forks[1].communicate(timeout=60)
    assert forks[1].returncode == -signal.SIGTERM
