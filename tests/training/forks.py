"""Training processes as forks of one that has loaded the libraries, so that tests load them once.

    python tests/training/forks.py '[[2, ["--recipe", "recipe.json", …]], …]'

trains one run after another; each has its number of processes and its arguments of `simagents train`.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from multiprocessing import get_context

import deepspeed  # noqa: F401
import tyro

from simagents.training import train


def in_processes(world_size: int, work: Callable[..., None], *args: object) -> None:
    """Run `work` in `world_size` processes of one job; SystemExit where one of them fails."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    fork = get_context("fork").Process
    processes = [
        fork(target=_ranked, args=(world_size, rank, port, work, args))
        for rank in range(world_size)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        sys.exit(1)


def _ranked(world_size: int, rank: int, port: int, work: Callable[..., None], args: tuple) -> None:
    names = {"WORLD_SIZE": world_size, "RANK": rank, "LOCAL_RANK": rank, "MASTER_PORT": port}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", **{k: str(v) for k, v in names.items()}}
    work(*args)


if __name__ == "__main__":
    for world_size, words in json.loads(sys.argv[1]):
        in_processes(world_size, train.main, tyro.cli(train.Args, args=words))
