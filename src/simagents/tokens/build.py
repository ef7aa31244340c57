"""Build the vocabularies from training scenarios by one rule, and report how good they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from simagents.counter import generator, key_of
from simagents.errors import InputError
from simagents.files import write_json
from simagents.geometry import to_local
from simagents.scenarios.agent_class import CLASSES, class_of
from simagents.scenarios.scenario import CURRENT, Scenario
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.chain import token_chain
from simagents.tokens.k_disks import k_disks
from simagents.tokens.map import cut_map, nearest_shape
from simagents.tokens.reconstruction import Reconstruction, spread
from simagents.tokens.tokenizers import tokenizer_of
from simagents.tokens.tracks import clean_tracks
from simagents.tokens.vocabulary import SUBSTEPS, Vocabulary

ENOUGH_SEEN = 30
"""Steps from the first to the last in the log, gaps included, that an agent needs for its motions to
be counted (CAT-K)."""
SAME = 0.01
"""Snippets that differ by less than this in sum are counted once (CAT-K)."""
FASTEST = 45.0
"""m/s; faster snippets are errors of the log, and dead tokens in the published vocabulary."""
MEASURED = 5000
"""Scenarios of a report at most: a quarter of an hour of work, and enough for means to three digits."""


@dataclass
class Args:
    """Build motion vocabularies by one tokenizer's rule, and the map's by k-disks."""

    scenarios: list[Path]
    """cached training shards, a folder or a list of them (.txt)"""
    out: Path
    """vocabulary to write (.safetensors)"""
    report: Path
    """reconstruction error and dead tokens, JSON"""
    tokenizer: str
    """JSON: `rule` (k_disks, k_means, grid or trajtok) and the rule's numbers"""
    map_size: int
    """map tokens"""
    map_tolerance: float
    """radius of a disk in metres, mean over the points of a piece"""
    snippets: int
    """motions collected per class at most"""
    seed: int


def main(args: Args) -> None:
    """Scenarios are read in order until every class has its snippets."""
    store = ScenarioStore(args.scenarios)
    motions, pieces, used = read_until(store, args.snippets)
    vocabulary = build(motions, pieces, args)
    vocabulary.write(args.out)
    write_json(args.report, report(vocabulary, store, used))


def read_until(store: ScenarioStore, limit: int) -> tuple[list[np.ndarray], np.ndarray, int]:
    """What `collect` says of the store's scenarios, with a bar that shows how far it is."""
    rows = tqdm(range(len(store)), desc="collecting motions", unit="scenario")
    return collect((store[row] for row in rows), limit)


def collect(scenarios: Iterable[Scenario], limit: int) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Snippets [n, 6, 3] per class, map pieces [M, 11, 2], and the number of scenarios read.

    Snippets are in the frame of their first pose; gaps of the log are filled, but histories are not
    extended. Stops early when every class has `limit` snippets, equal ones counted, and there are as
    many map pieces. Memory holds a few times `limit` of each, however rare a class is.
    """
    snippets = [_Distinct(limit) for _ in CLASSES]
    pieces: list[np.ndarray] = []
    collected = used = 0
    for scenario in scenarios:
        used += 1
        origin = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
        if collected < limit or not pieces:
            pieces.append(cut_map(scenario, origin).shape)
            collected += len(pieces[-1])
        rows = scenario.simulated
        classes = class_of(torch.from_numpy(scenario.agent_type[rows].astype(np.int64))).numpy()
        pose, seen = clean_tracks(scenario, rows, origin, extended=False)
        long_seen = seen.sum(axis=1) >= ENOUGH_SEEN
        for start in range(0, pose.shape[1] - SUBSTEPS, SUBSTEPS):
            window = torch.from_numpy(pose[:, start : start + SUBSTEPS + 1])
            local = to_local(window, window[:, :1]).numpy()
            speed = np.linalg.norm(local[:, -1, :2], axis=-1) / (SUBSTEPS * 0.1)
            whole = seen[:, start] & seen[:, start + SUBSTEPS] & long_seen & (speed < FASTEST)
            for index, of_class in enumerate(snippets):
                of_class.add(local[whole & (classes == index)])
        if min(collected, *(of_class.seen for of_class in snippets)) >= limit:
            break
    shapes = np.concatenate(pieces)[:limit].astype(np.float64)
    return [of_class.first() for of_class in snippets], shapes, used


class _Distinct:
    """The first so many distinct snippets of those that are added."""

    def __init__(self, limit: int):
        self.limit = limit
        self.seen = 0
        """all that were added, equal ones counted"""
        self._parts: list[np.ndarray] = []
        self._pending = 0

    def add(self, snippets: np.ndarray) -> None:
        self.seen += len(snippets)
        if self._parts and len(self._parts[0]) == self.limit:
            return  # no later one would be among the first
        self._parts.append(snippets)
        self._pending += len(snippets)
        if self._pending >= self.limit:
            self.first()

    def first(self) -> np.ndarray:
        """Without those that are equal to an earlier one, in their order."""
        self._parts = [_distinct(np.concatenate(self._parts))[: self.limit]]
        self._pending = 0
        return self._parts[0]


def _distinct(snippets: np.ndarray) -> np.ndarray:
    cell = np.round(snippets.reshape(len(snippets), 3 * (SUBSTEPS + 1)) / SAME).astype(np.int32)
    first = np.unique(cell, axis=0, return_index=True)[1]
    return snippets[np.sort(first)]


def build(motions: list[np.ndarray], pieces: np.ndarray, args: Args) -> Vocabulary:
    """Motion tokens of every class by the tokenizer's rule, and k-disks of map pieces.

    The map's disks have their own stream of random numbers: map tokens do not depend on the
    tokenizer of motions. Raises InputError where there is no piece of map.
    """
    if not len(pieces):
        raise InputError(
            "the training scenarios have no map, so there are no map tokens; choose other scenarios."
        )
    tokenizer = tokenizer_of(args.tokenizer)
    draws = np.random.Generator(np.random.Philox(args.seed))
    tokens = [tokenizer.tokens(own, index, draws) for index, own in enumerate(motions)]
    # Rules with a size keep it for all data, so that a model's shape does not depend on the data.
    size = max(tokenizer.size, *map(len, tokens))
    motion = torch.zeros(len(CLASSES), size, SUBSTEPS + 1, 3)
    for index, of_class in enumerate(tokens):
        motion[index, : len(of_class)] = torch.from_numpy(of_class).float()
    count = torch.tensor([len(of_class) for of_class in tokens])
    disks = k_disks(
        pieces, size=args.map_size, tolerance=args.map_tolerance,
        generator=generator(args.seed, key_of("map")),
    )  # fmt: skip
    shapes = torch.from_numpy(np.stack([pieces[disk].mean(axis=0) for disk in disks])).float()
    padding = shapes[:1].expand(args.map_size - len(shapes), -1, -1)
    return Vocabulary(motion, count, torch.cat([shapes, padding]))


def report(vocabulary: Vocabulary, store: ScenarioStore, used: int) -> dict[str, Any]:
    """Errors in metres on the first `used` scenarios, those that the vocabulary was built from, and unused tokens.

    Of more than `MEASURED`, on the first so many.
    """
    measured = min(used, MEASURED)
    motion = Reconstruction(vocabulary)
    map_errors, map_uses = [], np.zeros(len(vocabulary.map), dtype=np.int64)
    for row in tqdm(range(measured), desc="measuring reconstruction", unit="scenario"):
        scenario = store[row]
        origin = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
        pose, seen = clean_tracks(scenario, scenario.simulated, origin)
        classes = class_of(
            torch.from_numpy(scenario.agent_type[scenario.simulated].astype(np.int64))
        )
        at = slice(None, None, SUBSTEPS)
        logged = torch.from_numpy(pose[:, at]).float()
        token, path, valid = token_chain(vocabulary, classes, logged, torch.from_numpy(seen[:, at]))
        motion.add(classes, token, path, logged, valid)
        pieces = cut_map(scenario, origin)
        nearest = nearest_shape(pieces.corner, vocabulary.map.numpy())
        map_errors.append(
            np.linalg.norm(pieces.shape - vocabulary.map.numpy()[nearest], axis=-1).mean(axis=-1)
        )
        map_uses += np.bincount(nearest, minlength=len(map_uses))
    of_map = {
        "tokens": len(np.unique(vocabulary.map.numpy(), axis=0)),
        "dead": int((map_uses == 0).sum()),
        **spread(np.concatenate(map_errors)),
    }
    return {"scenarios": measured, **motion.summary(), "map": of_map}
