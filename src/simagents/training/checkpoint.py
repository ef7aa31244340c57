"""Resume state: outside the rule's outputs, the last two saves, complete or not there at all."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch.distributed as dist

from simagents.errors import InputError
from simagents.files import read_json, write_json

KEPT = 2


@contextmanager
def lease(folder: Path, rank: int) -> Iterator[None]:
    """Hold the run's resume folder, so that a job left behind and its successor never both write.

    Raises InputError where another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if rank != 0:
        yield
        return
    with (folder / "lease").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder}: another process is training this run; wait or stop it."
            ) from None
        yield


def save(engine: Any, folder: Path, step: int, learner: dict[str, Any]) -> None:
    """Save all ranks' state as of `step` steps done; the pointer is renamed into place last.

    `learner` is what the algorithm remembers, the same on all ranks.
    """
    engine.save_checkpoint(
        str(folder), tag=f"step{step}", client_state={"learner": learner}, save_latest=False
    )
    dist.barrier()
    if dist.get_rank() == 0:
        write_json(folder / "latest.json", {"step": step})
        saves = sorted(folder.glob("step*"), key=lambda path: int(path.name[4:]))
        for old in [path for path in saves if int(path.name[4:]) <= step][:-KEPT]:
            shutil.rmtree(old)
    dist.barrier()


def resume(engine: Any, folder: Path) -> tuple[int, dict[str, Any] | None]:
    """Load the latest save: the number of steps done, and what the algorithm remembers.

    0 and None where there is none.
    """
    pointer = folder / "latest.json"
    if not pointer.exists():
        return 0, None
    step = int(read_json(pointer)["step"])
    loaded, client = engine.load_checkpoint(str(folder), tag=f"step{step}")
    if loaded is None:
        raise InputError(
            f"{folder}/step{step}: the save is incomplete; delete {folder} to start the run anew."
        )
    return step, client.get("learner", {})
