"""Why a run ends before its time: a signal, or a newcomer that the run is handed to."""

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
"""Seconds between two looks at a run that another process trains."""


class StopError(Exception):
    """The run ends here, on all of its processes; the same command goes on."""


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
    """Hold the run while the block runs; wait `patience` seconds for whoever holds it now.

    The first process waits a moment at a time and the others hear how it stands, so that no
    collective lasts long enough to be given up. Raises InputError, naming the holder, where it does
    not let go, and StopError where this process is asked to stop before.
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
    """The first process's way to the lease."""

    def __init__(self, folder: Path, patience: float):
        self.folder, self.patience = folder, patience
        self.lease: Lease | None = None
        self._since = monotonic()
        self._announced = False

    def advance(self) -> bool:
        """Whether the run is ours; where it is not, a moment has passed."""
        with refusals(self.folder):
            self.lease = self.lease or Lease(self.folder)
            if self.lease.take():
                return True
        holder, waited = described(self.lease.holder()), monotonic() - self._since
        if waited > self.patience:
            raise InputError(
                f"{self.folder}: {holder} was asked to hand this run over and has not done so for"
                f" {waited:.0f} s; end it and start again."
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
