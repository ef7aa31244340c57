"""The numbers of a step, added up over its passes, micro-batches and processes."""

import torch
import torch.distributed as dist

from simagents.training.distributed.processes import sum_over_processes
from simagents.training.learners.learner import Stats


def add(sums: Stats, stats: Stats, share: float) -> None:
    """Numbers are means over the passes of a step, seconds are sums."""
    for name, value in stats.items():
        part = value.detach().double() * (1.0 if name.startswith("seconds") else share)
        sums[name] = sums.get(name, torch.tensor(0.0)).to(part) + part


def summed(sums: Stats, device: torch.device) -> dict[str, float]:
    """The step's numbers over all processes."""
    names = sorted(sums)
    values = sum_over_processes(torch.stack([sums[name].to(device).double() for name in names]))
    numbers = dict(zip(names, values.tolist(), strict=True))
    # Shares of a loss add up; processes work at the same time, so their seconds do not.
    at_once = dist.get_world_size()
    return {n: v / at_once if n.startswith("seconds") else v for n, v in numbers.items()}
