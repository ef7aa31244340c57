"""One writer a run; who comes later has its turn. Two open files lock each other out as two processes do."""

import fcntl
import multiprocessing
import os
import socket

import pytest

from simagents.errors import InputError
from simagents.training.resume.lease import Lease, described


@pytest.fixture
def come(tmp_path):
    """A process that comes to the run."""
    came = []

    def one():
        came.append(Lease(tmp_path / "resume"))
        return came[-1]

    yield one
    for lease in came:
        if not lease.released:
            lease.release()


def test_one_alone_trains_and_nobody_waits(come):
    ours = come()
    assert ours.take()
    assert not ours.wanted()


def test_the_holder_sees_a_newcomer_and_the_newcomer_goes_on(come):
    holder, newcomer = come(), come()
    assert holder.take()
    assert not newcomer.take()
    assert holder.wanted()
    holder.release()
    assert newcomer.take()
    assert not newcomer.wanted()


def test_of_several_each_has_its_turn_and_the_last_to_come_trains(come):
    holder, second = come(), come()
    assert holder.take()
    assert not second.take()
    third = come()
    assert not third.take()
    holder.release()
    assert not third.take()  # the second was there before
    assert second.take()
    assert not third.take()
    assert second.wanted()
    second.release()
    assert third.take()
    assert not third.wanted()


def test_a_newcomer_that_gives_up_stops_nobody(come):
    holder, newcomer = come(), come()
    assert holder.take()
    assert not newcomer.take()
    newcomer.release()
    assert not holder.wanted()
    holder.release()
    assert come().take()


def _queue_and_die(folder):
    assert not Lease(folder).take()
    os._exit(9)


def test_a_newcomer_that_is_killed_stops_nobody(come):
    holder = come()
    assert holder.take()
    newcomer = multiprocessing.get_context("fork").Process(
        target=_queue_and_die, args=(holder.folder,)
    )
    newcomer.start()
    newcomer.join()
    assert newcomer.exitcode == 9
    assert not holder.wanted()


def test_the_holder_is_named(come, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    holder, newcomer = come(), come()
    assert holder.take()
    assert not newcomer.take()
    name = f"process {os.getpid()} on {socket.gethostname()} (SLURM job 4711)"
    assert described(newcomer.holder()) == name


def test_a_holder_that_has_not_yet_said_who_it_is_is_another_process(come):
    assert described(come().holder()) == "another process"


def test_what_the_holder_started_does_not_keep_the_run(come):
    """A process that reads data shares the open file, and lives on for a moment."""
    holder = come()
    assert holder.take()
    reader = os.dup(holder._run.fileno())
    holder.release()
    assert come().take()
    os.close(reader)


def test_a_file_system_without_locks_is_said(come, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    ours = come()
    with monkeypatch.context() as here:
        here.setattr(fcntl, "flock", refuse)
        with pytest.raises(InputError, match="queue: this file system has no locks"):
            ours.take()
