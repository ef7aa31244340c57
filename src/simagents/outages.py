"""Snakemake's SLURM executor, made to wait while SLURM does not answer.

Version 2.8.0 asks five times within a second. Asked in vain it forgets all of its jobs, and waits for
them for ever; without a database it takes to asking `sacct` first, which can never answer. But the
controller is away for minutes when it is updated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from math import inf
from typing import Any

from simagents.errors import InputError

BETWEEN = 10.0
"""Seconds between two attempts."""

Query = Callable[..., Awaitable[tuple[Any, Any]]]


def outlive_outages() -> None:
    """Change the executor of this process. Raises InputError where it is not installed."""
    try:
        executor = import_module("snakemake_executor_plugin_slurm")
    except ModuleNotFoundError:
        raise InputError(
            "Snakemake's executor for SLURM is not installed; run: pip install -c constraints.txt"
            " -e '.[slurm]'"
        ) from None
    executor.query_job_status = persistent(executor.query_job_status)
    # How long SLURM remembers jobs: the profile has chosen between squeue and sacct by then.
    executor.get_min_job_age = lambda: inf


def persistent(ask: Query, between: float = BETWEEN) -> Query:
    """The query of the executor, which answers None and None where SLURM is silent; until it is not."""

    async def asked(command: str, logger: Any) -> tuple[Any, Any]:
        said = False
        while (found := await ask(command, logger))[0] is None:
            if not said:
                logger.warning(
                    f"SLURM does not answer {command.split()[0]}; jobs go on, and it is asked again"
                    f" every {between:.0f} s."
                )
                said = True
            await asyncio.sleep(between)
        return found

    return asked
