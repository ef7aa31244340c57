"""The scenes of a step: a function of (seed, step), independent of the number of processes."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simagents.config.recipe import Recipe
from simagents.counter import generator, hashed, key_of
from simagents.errors import InputError


@dataclass(frozen=True)
class Share:
    """Which part of every global batch this process computes, and in how many micro-batches."""

    rank: int
    world_size: int
    micro: int

    @staticmethod
    def of(rank: int, world_size: int, batch: int, at_most: int) -> "Share":
        """Micro-batches of `at_most` scenes, the largest that divide this process's part of the batch.

        Raises InputError where the batch does not divide among the processes.
        """
        if batch % world_size:
            raise InputError(
                f"a global batch of {batch} scenes cannot be shared by {world_size} processes; choose"
                " a number of processes that divides it (compute.nodes, compute.workers)."
            )
        part = batch // world_size
        micro = max(size for size in range(1, min(at_most, part) + 1) if part % size == 0)
        return Share(rank, world_size, micro)

    def accumulation(self, batch: int) -> int:
        """Micro-batches a step on each process."""
        return batch // (self.world_size * self.micro)

    def starts(self, step: int, batch: int) -> list[int]:
        """First places of this process's micro-batches of one step.

        Micro-batch g of a step goes to process g % world_size, so one process with two micro-batches
        computes just what two processes with one each do.
        """
        return [
            step * batch + (turn * self.world_size + self.rank) * self.micro
            for turn in range(self.accumulation(batch))
        ]


def order_seed(recipe: Recipe) -> int:
    """The seed of the order of scenes.

    It depends on the parent: a second fine-tuning sees its scenes in another order than the first,
    and all stages that start from one parent, which are compared, see the same scenes.
    """
    return int(hashed(recipe.seed, key_of(recipe.parent or "")))


def scene_at(place: int, scenes: int, seed: int) -> int:
    """The scene at one place of the endless order: a new permutation of all scenes every epoch."""
    return int(_permutation(place // scenes, scenes, seed)[place % scenes])


@lru_cache(maxsize=4)
def _permutation(epoch: int, scenes: int, seed: int) -> np.ndarray:
    return generator(seed, key_of("order"), epoch).permutation(scenes)
