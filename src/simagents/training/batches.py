"""Which scenes a step sees: a function of (seed, step), however many processes share the work."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader, Dataset

from simagents.counter import generator, key_of
from simagents.errors import InputError
from simagents.models.batch import SceneBatch, collate
from simagents.recipe import Recipe
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenScene, TokenStore

MOST_TRAINED = 32
"""Agents of a scene that the supervised loss counts at most (SMART)."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch. `first` is the place of its first scene in the order of all steps."""

    first: int
    ids: list[str]
    scenes: SceneBatch
    scenarios: list[Scenario] | None
    """the logs behind the scenes, where a reward needs them"""


@dataclass(frozen=True)
class Share:
    """Which part of every global batch this process computes, and in how many micro-batches."""

    rank: int
    world: int
    micro: int

    def accumulation(self, batch: int) -> int:
        """Micro-batches a step on each process; InputError where the batch does not divide."""
        whole = self.world * self.micro
        if batch % whole:
            raise InputError(
                f"a global batch of {batch} scenes cannot be shared by {self.world} processes in"
                f" micro-batches of {self.micro}; choose a micro-batch that divides"
                f" {batch // self.world or 1}."
            )
        return batch // whole

    def starts(self, step: int, batch: int) -> list[int]:
        """First places of this process's micro-batches of one step.

        Micro-batch g of a step goes to process g % world, so one process with two micro-batches
        computes just what two processes with one each do.
        """
        return [
            step * batch + (turn * self.world + self.rank) * self.micro
            for turn in range(self.accumulation(batch))
        ]


def scene_at(place: int, scenes: int, seed: int) -> int:
    """The scene at one place of the endless order: a new permutation of all scenes every epoch."""
    return int(_permutation(place // scenes, scenes, seed)[place % scenes])


@lru_cache(maxsize=4)
def _permutation(epoch: int, scenes: int, seed: int) -> np.ndarray:
    return generator(seed, key_of("order"), epoch).permutation(scenes)


class Scenes(Dataset):
    """Training scenes by place, with the agents that the loss counts chosen by (seed, place)."""

    def __init__(self, tokens: list[Path], scenarios: list[Path], recipe: Recipe):
        self.tokens = TokenStore(tokens)
        self.scenarios = ScenarioStore(scenarios) if recipe.budget.rollouts else None
        self.recipe = recipe
        self.count = len(self.tokens) - recipe.held_out
        if self.count < 1:
            raise InputError(
                f"{len(self.tokens)} training scenes, {recipe.held_out} of them held out: nothing"
                " is left; raise the number of shards or lower `held_out`."
            )

    def __getitem__(self, places: list[int]) -> Batch:
        rows = [self.recipe.held_out + scene_at(p, self.count, self.recipe.seed) for p in places]
        scenes = [self.tokens[row] for row in rows]
        trained = [self._trained(s, p) for s, p in zip(scenes, places, strict=True)]
        ids = [self.tokens.ids[row] for row in rows]
        scenarios = [self.scenarios[name] for name in ids] if self.scenarios else None
        return Batch(places[0], ids, collate(scenes, trained), scenarios)

    def _trained(self, scene: TokenScene, place: int) -> np.ndarray:
        chosen = scene.has_role & scene.trainable
        others = np.flatnonzero(scene.trainable & ~scene.has_role)
        room = max(MOST_TRAINED - int(chosen.sum()), 0)
        if len(others) > room:
            order = generator(self.recipe.seed, key_of("trained"), place)
            others = order.permutation(others)[:room]
        chosen[others] = True
        return chosen


def batches(
    scenes: Scenes, recipe: Recipe, share: Share, first_step: int, workers: int
) -> Iterator[tuple[int, list[Batch]]]:
    """(step, this process's micro-batches) from `first_step` to the end of the budget."""
    starts = [
        start
        for step in range(first_step, recipe.budget.steps)
        for start in share.starts(step, recipe.budget.batch)
    ]
    places = [list(range(start, start + share.micro)) for start in starts]
    loader = iter(
        DataLoader(
            scenes, sampler=places, batch_size=None, num_workers=workers,
            worker_init_fn=_outlive_sigterm,
        )
    )  # fmt: skip
    for step in range(first_step, recipe.budget.steps):
        yield step, [next(loader) for _ in range(share.accumulation(recipe.budget.batch))]


def _outlive_sigterm(worker: int) -> None:
    # At a time limit SLURM tells every process of the job. Were this one to obey, the training
    # process would fail for want of data before it could save; when that one ends, so do we.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
