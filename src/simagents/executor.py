"""Two faults of Snakemake's SLURM executor, mended in the process that submits.

Version 2.8.0 queries SLURM five times within a second. If no query succeeds it forgets all of its jobs
and waits for them for ever; without an accounting database it then queries `sacct`, which can never
succeed. But a controller is away for minutes while it is updated.

While it checks the state of its jobs, its list of active jobs is empty, so Ctrl-C during a check cancels
nothing and leaves the jobs in the queue.

No other version may be changed this way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from importlib.metadata import version
from math import inf
from types import ModuleType
from typing import Any

from simagents.errors import InputError

BETWEEN = 10.0
"""Seconds between two attempts."""
VERSION = "2.8.0"
"""Of the executor that this file is written for; pyproject.toml pins the same."""
REPLACED = ("query_job_status", "get_min_job_age")
METHODS = ("check_active_jobs", "cancel_jobs")
"""What is replaced, of the executor's module and of its class."""
_INSTALL = "run: pip install -c constraints.txt -e '.[slurm]'"

Query = Callable[..., Awaitable[tuple[Any, Any]]]


def mend_executor() -> None:
    """Change the executor of this process.

    Raises InputError where it is not installed, or not the version that this file is written for.
    """
    executor = _executor()
    executor.query_job_status = persistent(executor.query_job_status)
    # For how long SLURM remembers jobs: the profile has already chosen between squeue and sacct.
    executor.get_min_job_age = lambda: inf
    cancel_in_check(executor.Executor)


def _executor() -> ModuleType:
    try:
        executor = import_module("snakemake_executor_plugin_slurm")
    except ModuleNotFoundError:
        raise InputError(f"Snakemake's executor for SLURM is not installed; {_INSTALL}") from None
    installed = version("snakemake-executor-plugin-slurm")
    if installed != VERSION:
        raise InputError(
            f"snakemake-executor-plugin-slurm {installed} is installed, but simagents/executor.py"
            f" replaces parts of version {VERSION}; {_INSTALL}"
        )
    owners = [(executor, name) for name in REPLACED]
    owners += [(getattr(executor, "Executor", None), name) for name in METHODS]
    for owner, name in owners:
        if not callable(getattr(owner, name, None)):
            raise InputError(
                f"{executor.__file__}: has no `{name}`, which simagents/executor.py replaces,"
                f" so it is not the released version {VERSION}; {_INSTALL} --force-reinstall"
            )
    return executor


def persistent(query: Query, between: float = BETWEEN) -> Query:
    """The executor's query, repeated every `between` seconds until SLURM answers.

    `query` returns (None, None) where SLURM does not.
    """

    async def repeated(command: str, logger: Any) -> tuple[Any, Any]:
        answer = await query(command, logger)
        if answer[0] is None:
            logger.warning(
                f"SLURM does not answer {command.split()[0]}; jobs continue, and the query is repeated"
                f" every {between:.0f} s."
            )
        while answer[0] is None:
            await asyncio.sleep(between)
            answer = await query(command, logger)
        return answer

    return repeated


def cancel_in_check(executor: type) -> None:
    """Change a class of executors: `cancel_jobs` includes the jobs of a check that has not ended.

    The class itself changes, because Snakemake loads it before it reads the profile.
    """
    check, cancel = executor.check_active_jobs, executor.cancel_jobs

    async def check_active_jobs(self: Any, active_jobs: list[Any]) -> AsyncIterator[Any]:
        self.in_check, active = tuple(active_jobs), []
        async for job in check(self, active_jobs):
            active.append(job)
            yield job
        self.in_check = tuple(active)

    def cancel_jobs(self: Any, active_jobs: list[Any]) -> None:
        listed = {job.external_jobid for job in active_jobs}
        in_check = getattr(self, "in_check", ())
        cancel(self, [*active_jobs, *(job for job in in_check if job.external_jobid not in listed)])

    executor.check_active_jobs, executor.cancel_jobs = check_active_jobs, cancel_jobs
