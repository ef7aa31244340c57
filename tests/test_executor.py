"""SLURM does not answer for a while, Ctrl-C meets a check; only the executor that was tested is changed."""

import asyncio
import logging
import sys
import tomllib
from pathlib import Path
from threading import Event, Lock, Thread
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

from simagents import executor as mended
from simagents.errors import InputError
from simagents.executor import (
    METHODS,
    REPLACED,
    VERSION,
    cancel_in_check,
    mend_executor,
    persistent,
)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def executor(monkeypatch):
    """The executor's module, restored afterwards."""
    module = pytest.importorskip("snakemake_executor_plugin_slurm")
    for name in REPLACED:
        monkeypatch.setattr(module, name, getattr(module, name))
    for name in METHODS:
        monkeypatch.setattr(module.Executor, name, getattr(module.Executor, name))
    return module


def test_the_query_is_repeated_until_there_is_an_answer(caplog):
    answers = [(None, None), (None, None), ({"7": "RUNNING"}, 0.1)]

    async def query(command, logger):
        return answers.pop(0)

    repeated = persistent(query, between=0.0)
    answer = asyncio.run(repeated("squeue --me", logging.getLogger("executor")))
    assert answer == ({"7": "RUNNING"}, 0.1)
    assert [record.message for record in caplog.records] == [
        "SLURM does not answer squeue; jobs continue, and the query is repeated every 0 s."
    ]


def test_an_answer_without_jobs_is_an_answer():
    async def query(command, logger):
        return {}, 0.1

    assert asyncio.run(persistent(query)("squeue", None)) == ({}, 0.1)


class Queue(RemoteExecutor):
    """Snakemake's own base class with three jobs, of which 2 has ended; a check ends when it is told to."""

    def __init__(self):
        self.active_jobs = [SubmittedJobInfo(None, external_jobid=job) for job in "123"]
        self.wait, self.lock, self.begun, self.end = True, Lock(), Event(), Event()
        checks = SimpleNamespace(init_seconds_before_status_checks=0)
        self.workflow = SimpleNamespace(
            executor_plugin=SimpleNamespace(common_settings=checks),
            remote_execution_settings=SimpleNamespace(immediate_submit=True),
        )
        self.wait_thread = Thread(target=self._wait_thread)
        self.wait_thread.start()
        assert self.begun.wait(60)

    def run_job(self, job): ...

    async def check_active_jobs(self, active_jobs):
        self.begun.set()
        self.end.wait(60)
        self.wait = False  # this check is the last one
        for job in active_jobs:
            if job.external_jobid != "2":
                yield job

    async def sleep(self): ...

    def cancel_jobs(self, active_jobs):
        self.cancelled = [job.external_jobid for job in active_jobs]
        self.end.set()


@pytest.fixture
def queue(monkeypatch):
    """A queue whose jobs are being checked."""
    for name in ("check_active_jobs", "cancel_jobs"):
        monkeypatch.setattr(Queue, name, getattr(Queue, name))
    cancel_in_check(Queue)
    return Queue()


def test_ctrl_c_during_a_check_cancels_its_jobs(queue):
    queue.active_jobs.append(SubmittedJobInfo(None, external_jobid="4"))
    queue.cancel()
    assert queue.cancelled == ["4", "1", "2", "3"]


def test_ctrl_c_after_a_check_cancels_each_job_once_and_none_that_ended(queue):
    queue.end.set()
    queue.wait_thread.join()
    queue.cancel()
    assert queue.cancelled == ["1", "3"]


def test_the_parts_of_the_installed_executor_are_changed(executor):
    mend_executor()
    for method in (executor.Executor.check_active_jobs, executor.Executor.cancel_jobs):
        assert method.__module__ == "simagents.executor"
    assert executor.query_job_status.__module__ == "simagents.executor"
    assert executor.get_min_job_age() > 1e9


def test_a_missing_executor_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "snakemake_executor_plugin_slurm", None)
    with pytest.raises(InputError, match="not installed; run: pip install"):
        mend_executor()


@pytest.mark.parametrize("other", ["2.8.1", "2.9.0", "2.7.3"])
def test_another_version_is_refused_and_left_alone(executor, monkeypatch, other):
    originals = [getattr(executor, name) for name in REPLACED]
    monkeypatch.setattr(mended, "version", lambda _: other)
    with pytest.raises(InputError, match=rf"slurm {other} is installed.* 2\.8\.0; run: pip inst"):
        mend_executor()
    assert [getattr(executor, name) for name in REPLACED] == originals


@pytest.mark.parametrize("name", REPLACED)
def test_an_executor_without_a_replaced_function_is_refused(executor, monkeypatch, name):
    monkeypatch.delattr(executor, name)
    with pytest.raises(InputError, match=f"has no `{name}`, which simagents/executor.py"):
        mend_executor()
    assert not hasattr(executor, name)


def test_the_pinned_executor_is_the_one_that_is_changed():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pin = f"snakemake-executor-plugin-slurm=={VERSION}"
    assert extras["optional-dependencies"]["slurm"] == [pin]
    assert pin in (ROOT / "constraints.txt").read_text().splitlines()
