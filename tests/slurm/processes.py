"""Finding and ending processes of the private Slurm, and no others."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

MARK = "SIMAGENTS_PRIVATE_SLURM"
"""in the environment of every process, with the cluster's folder as its value"""


def environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with; empty where it is gone."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        return dict(word.split("=", 1) for word in words if "=" in word)
    return {}


def command(pid: int) -> list[str]:
    """The command line of a process; empty where it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []


def open_files(pid: int) -> set[str]:
    """Paths that a process holds open; empty where it is gone."""
    paths = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                paths.add(str(link.readlink()))
    return paths


def running(folder: Path) -> Iterator[int]:
    """Every process of the Slurm in `folder`: its daemons, its jobs, and who submitted them.

    Daemons that hold a job's steps overwrite their environment, but they have the node's log open.
    """
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or (pid := int(entry.name)) == os.getpid():
            continue
        logs = f"{folder}/log/"
        if environment(pid).get(MARK) == str(folder) or any(
            path.startswith(logs) for path in open_files(pid)
        ):
            yield pid


def on_node(folder: Path, node: str) -> Iterator[int]:
    """Processes that a crash of the node would end."""
    for pid in running(folder):
        log = f"{folder}/log/{node}.log"
        if environment(pid).get("SLURMD_NODENAME") == node or log in open_files(pid):
            yield pid


def kill(pids: Callable[[], Iterator[int]], limit: float = 10) -> None:
    """SIGKILL until none is left, children that a killed process has started meanwhile included."""
    end = time.monotonic() + limit
    while left := [pid for pid in pids() if command(pid) != []]:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end:
            raise TimeoutError(f"processes {left} do not end")
        time.sleep(0.1)


def wait_until(what: str, met: Callable[[], object], limit: float, every: float = 0.2):
    """What `met` returns as soon as that is true."""
    end = time.monotonic() + limit
    while not (value := met()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit:.0f} s for: {what}")
        time.sleep(every)
    return value
