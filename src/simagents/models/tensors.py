"""Dataclasses of tensors that move together."""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T", bound="Tensors")


class Tensors:
    """Base of frozen dataclasses whose fields are tensors, such dataclasses, or plain values."""

    def to(self: T, device: torch.device | str) -> T:
        """The same with all tensors on `device`."""
        return self._mapped(lambda tensor: tensor.to(device))

    def rows(self: T, which: Tensor) -> T:
        """Some rows of every tensor, perhaps several times."""
        return self._mapped(lambda tensor: tensor.index_select(0, which))

    def _mapped(self: T, change: Callable[[Tensor], Tensor]) -> T:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {
            name: change(value) if isinstance(value, Tensor) else value._mapped(change)
            for name, value in values.items()
            if isinstance(value, Tensor | Tensors)
        }
        return replace(self, **changed)


def row_of(counts: Iterable[int]) -> Tensor:
    """0 as often as the first count says, then 1, and so on: the owner of each concatenated row."""
    counts = torch.tensor(list(counts), dtype=torch.int64)
    return torch.repeat_interleave(torch.arange(len(counts)), counts)
