"""Snakemake's SLURM executor, made to wait while SLURM does not answer.

Version 2.8.0 queries SLURM five times within a second. If no query succeeds it forgets all of its jobs
and waits for them for ever; without an accounting database it then queries `sacct`, which can never
succeed. But a controller is away for minutes while it is updated. Two functions of the executor are
replaced; no other version may be changed this way.
"""

import asyncio
from collections.abc import Awaitable, Callable
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
_INSTALL = "run: pip install -c constraints.txt -e '.[slurm]'"

Query = Callable[..., Awaitable[tuple[Any, Any]]]


def outlive_outages() -> None:
    """Change the executor of this process.

    Raises InputError where it is not installed, or not the version that this file is written for.
    """
    executor = _executor()
    executor.query_job_status = persistent(executor.query_job_status)
    # For how long SLURM remembers jobs: the profile has already chosen between squeue and sacct.
    executor.get_min_job_age = lambda: inf


def _executor() -> ModuleType:
    try:
        executor = import_module("snakemake_executor_plugin_slurm")
    except ModuleNotFoundError:
        raise InputError(f"Snakemake's executor for SLURM is not installed; {_INSTALL}") from None
    installed = version("snakemake-executor-plugin-slurm")
    if installed != VERSION:
        raise InputError(
            f"snakemake-executor-plugin-slurm {installed} is installed, but simagents/outages.py"
            f" replaces functions of version {VERSION}; {_INSTALL}"
        )
    for name in REPLACED:
        if not callable(getattr(executor, name, None)):
            raise InputError(
                f"{executor.__file__}: has no function `{name}`, which simagents/outages.py replaces,"
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
