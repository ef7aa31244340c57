"""One writer for each run: a process hands the run over to the next one that needs it.

When Snakemake is killed its jobs continue, and the next Snakemake submits them again. Both would write
the same files. So the first process of a run holds a lock while it trains; a newcomer queues behind
it, the holder notices within a step, saves and ends, and the newcomer resumes from that save.

Both locks are `flock`s, which the kernel releases however a process ends: files of a dead process
block no other. The file system must share them between nodes: NFS from version 4 (after the
loss of a node, when the server's grace period has passed), Lustre mounted with `flock`, GPFS,
BeeGFS with global locks.
"""

import fcntl
import json
import os
import socket
from io import FileIO
from pathlib import Path

from simagents.errors import InputError


class Lease:
    """The right to write in a run's resume folder, from the first process's side."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        # Opened to append: the holder's name stays until the next holder writes its own.
        self._run = (folder / "lease").open("ab+", buffering=0)
        self._queue = (folder / "queue").open("ab+", buffering=0)

    def take(self) -> bool:
        """Whether this process holds the run from now on; otherwise it is in the queue, visibly.

        Only the head of the queue may take the run. So several newcomers take it one after another,
        and the last one trains to the end.
        """
        if not _lock(self._queue, fcntl.LOCK_EX) or not _lock(self._run, fcntl.LOCK_EX):
            return False
        fcntl.flock(self._queue, fcntl.LOCK_UN)
        self._run.truncate(0)
        self._run.write(json.dumps(_identity()).encode() + b"\n")
        return True

    def contested(self) -> bool:
        """Whether a newcomer waits; the holder calls this once in every step."""
        if not _lock(self._queue, fcntl.LOCK_SH):
            return True
        fcntl.flock(self._queue, fcntl.LOCK_UN)
        return False

    def holder(self) -> dict[str, str | int]:
        """The process that holds the run, or the last that did; empty before it has written its name."""
        self._run.seek(0)
        try:
            return json.loads(self._run.read())
        except ValueError:
            return {}

    @property
    def released(self) -> bool:
        return self._run.closed

    def release(self) -> None:
        """Release the run, or leave its queue."""
        for file in (self._run, self._queue):
            # Unlocked explicitly: processes that read data share the open file and end later.
            fcntl.flock(file, fcntl.LOCK_UN)
            file.close()


def described(holder: dict[str, str | int]) -> str:
    """A holder as the subject of a sentence."""
    if not holder:
        return "another process"
    job = f" (SLURM job {holder['job']})" if "job" in holder else ""
    return f"process {holder['pid']} on {holder['host']}{job}"


def _identity() -> dict[str, str | int]:
    job = os.environ.get("SLURM_JOB_ID")
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        **({"job": job} if job else {}),
    }


def _lock(file: FileIO, kind: int) -> bool:
    """Whether this process has the lock now, without waiting. Locking twice is harmless."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as problem:
        raise InputError(
            f"{file.name}: this file system has no locks ({problem.strerror}); put the resume folder"
            " on a file system with locks, or mount this one with them."
        ) from None
    return True
