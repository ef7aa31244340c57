"""One function over many items in several processes, with few items in memory at a time.

Python's own process pool, because of three things that are missing elsewhere: its `map`, joblib's
and pebble's take all items at once or send the function with each of them, and the workers of joblib
and mpire outlive a parent that is killed with -9.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TypeVar

from simagents.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # items per worker that wait, are worked on, or are finished before an earlier one


def ordered(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    prepare: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results of `task` in the order of `items`. One worker works in this process, without a copy.

    `task` is sent to each of several workers once, `items` as they are needed; all must be
    picklable. `prepare` runs first in each worker. Workers end with this process, however it ends.
    Raises InputError where a worker is killed.
    """
    if workers < 1:
        raise InputError("--workers must be at least 1.")
    if workers == 1:
        yield from map(task, items)
        return
    # A forked child of a process with threads, which torch starts, may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _begin, (task, prepare))
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(_run, item))
            if len(waiting) >= _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
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
