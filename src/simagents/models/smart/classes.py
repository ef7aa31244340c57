"""Rows by the class of their agents, for parts of the network that each class has of its own."""

import torch
from jaxtyping import Int64
from torch import Tensor

from simagents.scenarios.agent_class import CLASSES


def by_class(agent_class: Int64[Tensor, "N"]) -> tuple[Int64[Tensor, "_"], ...]:
    """The rows of each class, in order. An accelerator is waited for once."""
    ordered, rows = agent_class.sort(stable=True)
    classes = torch.arange(len(CLASSES), device=agent_class.device)
    ends = torch.searchsorted(ordered, classes, right=True).tolist()
    return rows[: ends[-1]].tensor_split(ends[:-1])
