"""One writer for each run; newcomers queue. Two open files exclude one another as two processes do."""

import fcntl
import multiprocessing
import os
import socket

import pytest

from simagents.errors import InputError
from simagents.training.resume.lease import Lease, described


@pytest.fixture
def come(tmp_path):
    """A new process that needs the run."""
    leases = []

    def one():
        leases.append(Lease(tmp_path / "resume"))
        return leases[-1]

    yield one
    for lease in leases:
        if not lease.released:
            lease.release()


def test_a_single_process_takes_the_run(come):
    lease = come()
    assert lease.take()
    assert not lease.contested()


def test_the_holder_sees_a_newcomer_and_the_newcomer_takes_over(come):
    holder, newcomer = come(), come()
    assert holder.take()
    assert not newcomer.take()
    assert holder.contested()
    holder.release()
    assert newcomer.take()
    assert not newcomer.contested()


def test_newcomers_take_the_run_in_the_order_of_their_arrival(come):
    holder, second = come(), come()
    assert holder.take()
    assert not second.take()
    third = come()
    assert not third.take()
    holder.release()
    assert not third.take()  # the second was there before
    assert second.take()
    assert not third.take()
    assert second.contested()
    second.release()
    assert third.take()
    assert not third.contested()


def test_a_newcomer_that_gives_up_leaves_the_holder_alone(come):
    holder, newcomer = come(), come()
    assert holder.take()
    assert not newcomer.take()
    newcomer.release()
    assert not holder.contested()
    holder.release()
    assert come().take()


def _queue_and_die(folder):
    assert not Lease(folder).take()
    os._exit(9)


def test_a_killed_newcomer_leaves_the_holder_alone(come):
    holder = come()
    assert holder.take()
    newcomer = multiprocessing.get_context("fork").Process(
        target=_queue_and_die, args=(holder.folder,)
    )
    newcomer.start()
    newcomer.join()
    assert newcomer.exitcode == 9
    assert not holder.contested()


def test_the_holder_is_named(come, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    holder, newcomer = come(), come()
    assert holder.take()
    assert not newcomer.take()
    name = f"process {os.getpid()} on {socket.gethostname()} (SLURM job 4711)"
    assert described(newcomer.holder()) == name


def test_a_holder_without_a_name_is_another_process(come):
    assert described(come().holder()) == "another process"


def test_processes_that_the_holder_started_do_not_keep_the_run(come):
    """A process that reads data shares the open file, and lives on for a moment."""
    holder = come()
    assert holder.take()
    reader = os.dup(holder._run.fileno())
    holder.release()
    assert come().take()
    os.close(reader)


def test_a_file_system_without_locks_is_refused(come, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    lease = come()
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        with pytest.raises(InputError, match="queue: this file system has no locks"):
            lease.take()
