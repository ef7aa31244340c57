"""What SMART's nodes remember during a rollout: the map, and the recent nodes of every agent."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from simagents.models.smart.attention import Memory
from simagents.models.smart.neighbours import CellIndex


@dataclass(frozen=True)
class MapMemory:
    """The map for agents: poses, and keys and values of every map-to-agent layer."""

    pose: Float[Tensor, "M 3"]
    index: CellIndex
    """of places and scenes"""
    layers: list[Memory]


@dataclass(frozen=True)
class Recent:
    """The last P nodes of every agent, in a ring: step s is in slot s modulo P.

    Without gradients the tensors are written in place, so that nothing is copied at a step: a state
    that has been advanced is no longer what it was.
    """

    steps: int
    """nodes so far, those that were overwritten included"""
    pose: Float[Tensor, "N P 3"]
    valid: Bool[Tensor, "N P"]
    """False where there is no node yet, too"""
    memories: list[Float[Tensor, "N P W"]]
    """of the temporal attention, layer by layer"""

    @staticmethod
    def empty(agents: Float[Tensor, "N *T 3"], size: int) -> "Recent":
        """Before the first node of agents whose poses are of that kind."""
        pose = agents.new_zeros(len(agents), size, 3)
        return Recent(0, pose, torch.zeros_like(pose[..., 0], dtype=torch.bool), [])

    @property
    def last(self) -> tuple[Float[Tensor, "N 3"], Bool[Tensor, "N"]]:
        """Pose and validity of the newest node."""
        slot = (self.steps - 1) % self.pose.shape[1]
        return self.pose[:, slot], self.valid[:, slot]

    @property
    def back(self) -> Int64[Tensor, "P"]:
        """How many steps before the next one each slot's node is."""
        size = self.pose.shape[1]
        return (self.steps - 1 - torch.arange(size, device=self.pose.device)) % size + 1

    def memory(self, layer: int) -> Memory:
        """Keys and values in the order of agents and slots; none before the first node."""
        return self.memories[layer].flatten(0, 1) if self.steps else self.pose.new_zeros(0, 0)

    def after(self, pose: Tensor, valid: Tensor, memories: list[Memory]) -> "Recent":
        """With one more node of every agent."""
        size = self.pose.shape[1]
        rings = self.memories
        if not self.steps:
            rings = [rows.new_zeros(len(rows), size, rows.shape[1]) for rows in memories]
        slot = self.steps % size
        self.pose[:, slot], self.valid[:, slot] = pose, valid
        rings = [_written(ring, slot, rows) for ring, rows in zip(rings, memories, strict=True)]
        return replace(self, steps=self.steps + 1, memories=rings)

    def rows(self, which: Int64[Tensor, "n"]) -> "Recent":
        """A copy of some rows, perhaps several times."""

        def select(rows: Tensor) -> Tensor:
            return rows.index_select(0, which)

        return replace(
            self,
            pose=select(self.pose),
            valid=select(self.valid),
            memories=[select(rows) for rows in self.memories],
        )


def _written(ring: Tensor, slot: int, rows: Tensor) -> Tensor:
    if torch.is_grad_enabled():  # what gradients come back to must stay as it was
        return torch.cat([ring[:, :slot], rows[:, None], ring[:, slot + 1 :]], dim=1)
    ring[:, slot] = rows
    return ring
