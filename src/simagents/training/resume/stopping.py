"""Why a run stops early: a signal, or a newer job that takes the run over."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import torch

from simagents.errors import InputError
from simagents.files import refusals
from simagents.training.distributed.processes import Processes, from_first, sum_over_processes
from simagents.training.resume.lease import Lease, described

POLL = 1.0
"""Seconds between two checks of a run that another process trains."""


class StopError(Exception):
    """The run stops here, on all of its processes; the same command resumes it."""


class StopRequests:
    """Requests to stop: a SIGTERM to this process or, on the first process, a newcomer in the queue.

    SIGTERM comes at a time limit, with scancel and with preemption, seconds before the kill. It is
    only recorded; a second one changes nothing.
    """

    def __init__(self):
        self.lease: Lease | None = None
        self.signalled = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def __bool__(self) -> bool:
        return self.signalled or (self.lease is not None and self.lease.contested())

    def _on_signal(self, *_: object) -> None:
        self.signalled = True


def stop_if_requested(requests: StopRequests, processes: Processes) -> None:
    """Raise StopError on all processes if any has a request; for moments with nothing to save."""
    if sum_over_processes(torch.tensor(int(bool(requests)), device=processes.device)):
        raise StopError


@contextmanager
def leased(
    folder: Path, processes: Processes, requests: StopRequests, patience: float
) -> Iterator[None]:
    """Hold the run while the block runs; wait up to `patience` seconds for its present holder.

    The first process waits a second at a time and reports to the others in between, so that no
    collective runs into its timeout. Raises InputError, naming the holder, where it does not stop,
    and StopError where this process gets a request to stop before.
    """
    queue = Queue(folder, patience)
    try:
        while not from_first(queue.advance):
            stop_if_requested(requests, processes)
        requests.lease = queue.lease
        yield
    finally:
        requests.lease = None
        queue.leave()


class Queue:
    """The first process's place in the queue for the lease."""

    def __init__(self, folder: Path, patience: float):
        self.folder, self.patience = folder, patience
        self.lease: Lease | None = None
        self._since = monotonic()
        self._announced = False

    def advance(self) -> bool:
        """Whether this process holds the run now; where it does not, waits for `POLL` seconds."""
        with refusals(self.folder):
            self.lease = self.lease or Lease(self.folder)
            if self.lease.take():
                return True
        holder, waited = described(self.lease.holder()), monotonic() - self._since
        if waited > self.patience:
            raise InputError(
                f"{self.folder}: {holder} has not handed this run over within {waited:.0f} s; end it"
                " and start again."
            )
        if not self._announced:
            print(
                f"simagents: {self.folder}: {holder} trains this run; waiting until it has saved and"
                f" stopped, {self.patience:.0f} s at most.",
                file=sys.stderr, flush=True,
            )  # fmt: skip
            self._announced = True
        sleep(min(POLL, self.patience))
        return False

    def leave(self) -> None:
        if self.lease is not None:
            self.lease.release()
