"""Commands as forks of one process that has loaded their libraries, which takes seconds each time.

    python tests/warm.py SOCKET MODULE…

loads the modules, then answers at the socket until its standard input ends. A fork is a process as
any other, with its own number, signals, folder, environment and output; it ends as a program does.
"""

import array
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from select import select
from time import monotonic, sleep

PATIENCE = 120
"""Seconds for the libraries to load on a busy machine."""


class Warm:
    """The process whose forks are commands; `close` ends it, and so does the end of this process."""

    def __init__(self, folder: Path, *modules: str):
        self.path = folder / "warm.socket"
        self.server = subprocess.Popen(
            [sys.executable, __file__, str(self.path), *modules], stdin=subprocess.PIPE
        )

    def begin(self, module: str, words: Sequence[str], **options) -> "Fork":
        """A fork that calls `main` of `module` with these words."""
        self._wait()
        return Fork(self.path, module, words, **options)

    def program(self, path: Path) -> Path:
        """Write a `simagents` that is a fork of this process, for those who start it by its name."""
        self._wait()
        path.write_text(program(self.path))
        path.chmod(0o755)
        return path

    def _wait(self) -> None:
        deadline = monotonic() + PATIENCE
        while not self.path.exists():
            assert self.server.poll() is None, "the libraries could not be loaded"
            assert monotonic() < deadline, "the libraries have not loaded in time"
            sleep(0.01)

    def close(self) -> None:
        try:
            self.server.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.server.kill()
            raise


class Fork:
    """A running command, in the words of subprocess.Popen; output and errors are one text."""

    def __init__(
        self,
        path: Path,
        module: str,
        words: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ):
        self.output = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.returncode: int | None = None
        self.connection = request(path, module, words, cwd, env, [self.output.fileno()] * 2)
        self.pid = int(_line(self.connection))

    def poll(self) -> int | None:
        """The exit status, negative for a signal, once it has ended."""
        if self.returncode is None and select([self.connection], [], [], 0)[0]:
            self.returncode = os.waitstatus_to_exitcode(int(_line(self.connection)))
            self.connection.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What it has printed, once it has ended; subprocess.TimeoutExpired before."""
        if self.returncode is None and not select([self.connection], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout or 0)
        self.poll()
        self.output.seek(0)
        return self.output.read(), None

    def send_signal(self, number: int) -> None:
        """Nothing happens where it has ended, as with subprocess.Popen."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def ended(process: Fork | subprocess.Popen, timeout: float) -> str:
    """What it has printed at its end; it is killed where that does not come in time."""
    try:
        return process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def request(
    path: Path,
    module: str,
    words: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    files: Sequence[int],
) -> socket.socket:
    """A connection on which the fork's number comes, and its exit status as `wait` has it."""
    command = {
        "module": module,
        "words": list(words),
        "cwd": str(cwd or Path.cwd()),
        "env": dict(os.environ if env is None else env),
    }
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
    connection.sendmsg([b"x"], rights)
    connection.sendall(json.dumps(command).encode() + b"\n")
    return connection


def program(path: Path) -> str:
    """The text of a `simagents` that is a fork of that process, to which it hands its SIGTERM on."""
    return f"""#!{sys.executable} -S
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import warm
connection = warm.request({str(path)!r}, "simagents.cli", sys.argv[1:], None, None, [1, 2])
number = int(warm._line(connection))
signal.signal(signal.SIGTERM, lambda *_: os.kill(number, signal.SIGTERM))
code = os.waitstatus_to_exitcode(int(warm._line(connection)))
sys.exit(code if code >= 0 else 128 - code)
"""


def _line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        more = connection.recv(65536)
        if not more:
            raise EOFError("the process whose forks are commands has ended")
        line += more
    return line


def serve(path: Path) -> Callable[[], None]:
    """Wait for requests; returns only in forks, with what they shall do."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path.with_suffix(".begun")))
        listening.listen()
        path.with_suffix(".begun").rename(path)
        while True:
            ready, _, _ = select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                sys.exit()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass  # those that have watched a command to its end
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    listening.close()
                    return _watch(connection)


def _watch(connection: socket.socket) -> Callable[[], None]:
    """Fork the command, say its number and how it ended, and end; returns only in the fork."""
    _, files, _, _ = socket.recv_fds(connection, 1, 2)
    command = json.loads(_line(connection))
    number = os.fork()
    if number == 0:
        return lambda: _become(command, files)
    with suppress(OSError):  # whoever sent the request may be gone
        connection.sendall(f"{number}\n".encode())
        connection.sendall(f"{os.waitpid(number, 0)[1]}\n".encode())
    os._exit(0)


def _become(command: dict, files: Sequence[int]) -> None:
    for target, file in zip((1, 2), files, strict=True):
        os.dup2(file, target)
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["env"])
    module = importlib.import_module(command["module"])
    sys.argv = [command["module"].partition(".")[0], *command["words"]]
    module.main()


if __name__ == "__main__":
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    serve(Path(sys.argv[1]))()
