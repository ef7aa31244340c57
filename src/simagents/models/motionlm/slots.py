"""Rows of agents as padded worlds of padded scenes, as attention needs them."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor


@dataclass(frozen=True)
class Slots:
    """N rows in S scenes with at most R worlds of at most A agents; [S x R, A] slots in all."""

    slot: Int64[Tensor, "N"]
    """of each row"""
    scenes: int
    worlds: int
    agents: int

    @staticmethod
    def of(scene: Int64[Tensor, "N"], world: Int64[Tensor, "N"], scenes: int) -> "Slots":
        """`world` is sorted, and so are the scenes of worlds."""
        _, number, count = torch.unique_consecutive(world, return_inverse=True, return_counts=True)
        first = count.cumsum(0) - count
        place = torch.arange(len(world), device=world.device) - first[number]
        of_scene = torch.bincount(scene[first], minlength=scenes)
        before = of_scene.cumsum(0) - of_scene
        rank = torch.arange(len(count), device=world.device) - before[scene[first]]
        worlds, agents = int(of_scene.max()), int(count.max())
        slot = (scene * worlds + rank[number]) * agents + place
        return Slots(slot, scenes, worlds, agents)

    @property
    def place(self) -> Int64[Tensor, "N"]:
        """Of each row in its world."""
        return self.slot % self.agents

    @property
    def present(self) -> Bool[Tensor, "W A"]:
        """Which slots have a row."""
        return self.put(torch.ones_like(self.slot, dtype=torch.bool))

    def put(self, rows: Tensor) -> Tensor:
        """[N, ...] as [S x R, A, ...], zero in slots without a row."""
        empty = rows.new_zeros(self.scenes * self.worlds * self.agents, *rows.shape[1:])
        filled = empty.index_copy(0, self.slot, rows)
        return filled.unflatten(0, (-1, self.agents))

    def take(self, slots: Tensor) -> Tensor:
        """[S x R, A, ...] as [N, ...]."""
        return slots.flatten(0, 1).index_select(0, self.slot)
