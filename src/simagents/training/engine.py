"""DeepSpeed around a policy. Beside this file only `state.py` knows it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from simagents.errors import InputError
from simagents.recipe import Recipe
from simagents.training.saves import UnwritableError
from simagents.training.schedule import rate_factor, value_warmup

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process among all of the job."""

    rank: int
    world: int
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

    # The CPU's shared-memory collective compiles for a minute on first use; gloo serves as well.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    local = int(os.environ["LOCAL_RANK"])
    # Work is shared by processes. Threads of several processes that spin while they wait for one
    # another make a step twenty times slower, and their number would change the sums.
    torch.set_num_threads(1)
    if on_gpu:
        torch.cuda.set_device(local)
        # Distances of the metric and of relations lose a decimal under TF32.
        torch.backends.cuda.matmul.allow_tf32 = False
    deepspeed.init_distributed(dist_backend="nccl" if on_gpu else "gloo", verbose=False)
    device = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    return Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), device)


def wrap(
    policy: torch.nn.Module, recipe: Recipe, micro: int, accumulation: int, zero_stage: int
) -> Any:
    """The DeepSpeed engine of a policy: AdamW, schedule, clipping, ZeRO, shared gradients.

    Weights stay float32; under `precision: bfloat16` products run in bfloat16 by autocast, since
    seven million weights need no half-precision storage and coordinates do not survive it.
    A value head learns at its own rate, and alone while it warms up: the policy's rate is zero.
    """
    import deepspeed

    attached = getattr(policy, "value_head", None)
    head = list(attached.parameters()) if attached is not None else []
    others = {id(parameter) for parameter in head}
    trained = [p for p in policy.parameters() if p.requires_grad and id(p) not in others]
    groups = [{"params": trained, "lr": recipe.budget.learning_rate}]
    if head:
        groups.append({"params": head, "lr": recipe.coefficients["value_learning_rate"]})
    optimiser = torch.optim.AdamW(
        groups, weight_decay=recipe.optimiser.weight_decay, fused=trained[0].is_cuda or None
    )
    passes, alone = recipe.coefficients.get("passes", 1), value_warmup(recipe)

    def of_head(update: int) -> float:
        return rate_factor(update // passes, recipe)

    def of_policy(update: int) -> float:
        return 0.0 if update // passes < alone else of_head(update)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, [of_policy, of_head][: len(groups)])
    engine, *_ = deepspeed.initialize(
        model=policy,
        optimizer=optimiser,
        lr_scheduler=schedule,
        config={
            "train_micro_batch_size_per_gpu": micro,
            "gradient_accumulation_steps": accumulation,
            "gradient_clipping": recipe.optimiser.clip,
            "zero_optimization": {"stage": zero_stage},
            "zero_allow_untested_optimizer": True,
            "steps_per_print": 10**9,
        },
    )
    if zero_stage:
        engine.optimizer.get_grad_norm_direct = partial(_norm, engine.device)
    return engine


def _norm(device: torch.device | str, gradients: list[Tensor], *_: object) -> Tensor:
    """The norm of one group's gradient, of which each process has a part.

    DeepSpeed adds the parts in float32, so that clipping, and some steps later the loss, would
    depend on how many there are.
    """
    total = torch.zeros((), dtype=torch.double, device=device)
    for part in gradients:
        if not getattr(part, "_zero_padding", False):
            total += torch.linalg.vector_norm(part.double()).square()
    return sum_over_processes(total).float().sqrt()


def from_first(work: Callable[[], T]) -> T:
    """What `work` returns, or raises for the user's eyes, on the first process; on all of them.

    An InputError is said by the first process alone.
    """
    found: list[Any] = [None]
    first = dist.get_rank() == 0
    if first:
        try:
            found = [work()]
        except (InputError, UnwritableError) as problem:
            found = [problem]
    dist.broadcast_object_list(found, src=0)
    if isinstance(found[0], InputError) and not first:
        raise SystemExit(2)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def sum_over_processes(tensor: Tensor) -> Tensor:
    """The sum of all processes' tensors; alone, the tensor itself."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def autocast(device: torch.device, recipe: Recipe) -> torch.autocast:
    """The precision of the recipe for forward passes."""
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")
