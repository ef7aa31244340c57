"""One function over many things in several processes, with little in memory at a time."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TypeVar

from simagents.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2  # items per worker that wait or are worked on


def unordered(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    prepare: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results of `task`, as they come. One worker works in this process, without a copy of it.

    `task` is sent to each of several workers once, `items` as they are needed; all must be
    picklable. `prepare` runs first in each worker. Workers end with this process, however it ends.
    """
    if workers < 1:
        raise InputError("--workers must be at least 1.")
    if workers == 1:
        yield from map(task, items)
        return
    # A forked child of a process with threads, which torch starts, may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _begin, (task, prepare))
    try:
        waiting = set()
        for item in items:
            waiting.add(pool.submit(_run, item))
            if len(waiting) >= _AHEAD * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool:
        raise InputError(
            "a worker process was killed, perhaps for want of memory; give fewer --workers."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_task: Callable | None = None


def _begin(task: Callable, prepare: Callable[[], None] | None) -> None:
    global _task
    _task = task
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare:
        prepare()


def _end_with_parent() -> None:
    """Workers of a killed process would wait for work for ever."""
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _run(item: Item) -> Result:
    return _task(item)
