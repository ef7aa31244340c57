"""The scenes of every step, as micro-batches of this process."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from torch.utils.data import DataLoader, Dataset, Sampler

from simagents.config.goals import GoalKind
from simagents.config.recipe import Recipe
from simagents.counter import generator, key_of
from simagents.errors import InputError
from simagents.models.families import SceneReader
from simagents.models.scenes import SceneBatch
from simagents.scenarios.goals import goals_of
from simagents.scenarios.roles import has_role, trainable_by_log
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenStore
from simagents.tokens.vocabulary import Vocabulary
from simagents.training.data.order import Share, order_seed, scene_at

MOST_TRAINED = 32
"""Agents of a scene that the supervised loss counts at most (SMART)."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch. `first` is the place of its first scene in the order of all steps."""

    first: int
    scenes: SceneBatch
    scenarios: list[Scenario]
    """the logs behind the scenes, where a reward needs them; else empty"""

    @property
    def places(self) -> Int64[np.ndarray, "S"]:
        """In the order of all steps. Draws by them are the same in micro-batches and in the whole."""
        return self.first + np.arange(self.scenes.scenes)

    def to(self, device: torch.device) -> "Batch":
        """The scenes on the device; their logs stay where they are."""
        return replace(self, scenes=self.scenes.to(device))


class TrainingScenes(Dataset):
    """Training scenes by place, with the agents that the loss counts chosen by (seed, place).

    The first `held_out` scenes are for calibration. A recipe with rollouts has a reward, so it also
    does without the scenes that the metric cannot score; `left_out` is then a sentence that counts
    them, and empty where there are none.
    """

    def __init__(
        self,
        scenarios: list[Path],
        tokens: list[Path] | None,
        recipe: Recipe,
        vocabulary: Vocabulary | None = None,
    ):
        self.scenarios = ScenarioStore(scenarios)
        self.tokens = TokenStore.beside(self.scenarios.ids, tokens, vocabulary)
        self.reader = SceneReader(recipe.model)
        self.recipe = recipe
        self.seed = order_seed(recipe)
        rows = range(recipe.held_out, len(self.scenarios))
        if not rows:
            raise InputError(
                f"{len(self.scenarios)} training scenes, {recipe.held_out} of them held out: nothing"
                " is left; raise the number of shards or lower `held_out`."
            )
        self.rows, self.left_out = np.array(rows), ""
        if recipe.budget.rollouts:
            self.rows, self.left_out = self.scenarios.scorable(
                rows, "training scenes", "reinforcement"
            )

    def __getitem__(self, places: list[int]) -> Batch:
        count = len(self.rows)
        rows = [int(self.rows[scene_at(place, count, self.seed)]) for place in places]
        rewarded = self.recipe.budget.rollouts > 0
        goals = self.recipe.algorithm.given_goals
        return self._batch(rows, places, with_logs=rewarded, goals=goals)

    def held_out(self, rows: list[int]) -> Batch:
        """Scenes on which no run trains, by number, with their logs and without goals."""
        return self._batch(rows, rows, with_logs=True, goals=None)

    def _batch(
        self, rows: list[int], places: list[int], *, with_logs: bool, goals: GoalKind | None
    ) -> Batch:
        scenarios = [self.scenarios[row] for row in rows]
        tokens = [self.tokens[row] for row in rows] if self.tokens else None
        if tokens:
            candidates = [(scene.has_role, scene.trainable) for scene in tokens]
        else:
            candidates = [(has_role(one), trainable_by_log(one)) for one in scenarios]
        trained = [
            self._trained(*both, place) for both, place in zip(candidates, places, strict=True)
        ]
        given = [goals_of(one, goals) for one in scenarios] if goals else None
        scenes = self.reader(scenarios, tokens, trained, given)
        return Batch(places[0], scenes, scenarios if with_logs else [])

    def _trained(self, role: np.ndarray, trainable: np.ndarray, place: int) -> np.ndarray:
        chosen = role & trainable
        others = np.flatnonzero(trainable & ~role)
        room = max(MOST_TRAINED - int(chosen.sum()), 0)
        if len(others) > room:
            order = generator(self.seed, key_of("trained"), place)
            others = order.permutation(others)[:room]
        chosen[others] = True
        return chosen


def batches(
    scenes: TrainingScenes, recipe: Recipe, share: Share, first_step: int, workers: int
) -> Iterator[tuple[int, list[Batch]]]:
    """(step, this process's micro-batches) from `first_step` to the end of the budget.

    Raises InputError where a scene cannot be read.
    """
    steps = range(first_step, recipe.budget.steps)
    loader = iter(
        DataLoader(
            _Reader(scenes), sampler=_Places(steps, recipe.budget.batch, share), batch_size=None,
            num_workers=workers, worker_init_fn=_outlive_sigterm,
        )
    )  # fmt: skip
    for step in steps:
        read = [next(loader) for _ in range(share.accumulation(recipe.budget.batch))]
        for problem in read:
            if isinstance(problem, InputError):
                raise problem
        yield step, read


@dataclass(frozen=True)
class _Reader(Dataset):
    """Returns an InputError: raised in a process that reads, it would arrive with a traceback in its text."""

    scenes: TrainingScenes

    def __getitem__(self, places: list[int]) -> Batch | InputError:
        try:
            return self.scenes[places]
        except InputError as problem:
            return problem


@dataclass(frozen=True)
class _Places(Sampler):
    """Places of the scenes of this process's micro-batches, as they are needed: a run may have millions."""

    steps: range
    batch: int
    share: Share

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            for start in self.share.starts(step, self.batch):
                yield list(range(start, start + self.share.micro))


def _outlive_sigterm(worker: int) -> None:
    # At a time limit SLURM signals every process of the job. If a reader ended at once, the training
    # process would have no data and fail before it could save. Readers end with that process instead.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
