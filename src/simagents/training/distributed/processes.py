"""The processes of a training job."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from simagents.device import keep_float32_exact
from simagents.errors import InputError
from simagents.files import UnwritableError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process among all of the job."""

    rank: int
    world_size: int
    device: torch.device


def start_processes() -> Processes:
    """Join the job's processes: NCCL on GPUs, gloo on CPUs; alone where no launcher set a rank."""
    on_gpu = torch.cuda.is_available()
    if not on_gpu:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    for name, alone in (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0")):
        os.environ.setdefault(name, alone)
    if os.environ["WORLD_SIZE"] == "1":
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        # The system picks a port, so that jobs on one node never collide.
        os.environ.setdefault("MASTER_PORT", "0")
    import deepspeed
    import deepspeed.ops

    # The CPU's shared-memory collective compiles for a minute on first use, and gloo does the same.
    # DeepSpeed's table of usable operators is meant to be edited (deepspeed/ops/__init__.py).
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    local = int(os.environ["LOCAL_RANK"])
    # Processes share the work. Threads of several processes that spin while they wait make a step
    # twenty times slower, and the number of threads would change the sums.
    torch.set_num_threads(1)
    if on_gpu:
        torch.cuda.set_device(local)
        keep_float32_exact()
    deepspeed.init_distributed(dist_backend="nccl" if on_gpu else "gloo", verbose=False)
    device = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    return Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), device)


def from_first(work: Callable[[], T]) -> T:
    """Run `work` on the first process alone; all processes return its result, or fail with it.

    Only the first process reports an InputError.
    """
    outcome: list[Any] = [None]
    first = dist.get_rank() == 0
    if first:
        try:
            outcome = [work()]
        except (InputError, UnwritableError) as problem:
            outcome = [problem]
    dist.broadcast_object_list(outcome, src=0)
    if isinstance(outcome[0], InputError) and not first:
        raise SystemExit(2)
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def sum_over_processes(tensor: Tensor) -> Tensor:
    """The sum of all processes' tensors; alone, the tensor itself."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor
