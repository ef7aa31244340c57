"""Build the vocabularies from training scenarios by one rule, and report how good they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from simagents.files import write_json
from simagents.geometry import box_corners, to_local
from simagents.scenarios.scenario import CURRENT, Scenario
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.chain import token_chain
from simagents.tokens.kdisks import k_disks
from simagents.tokens.map import cut_map, nearest_shape
from simagents.tokens.tracks import clean_tracks
from simagents.tokens.vocabulary import CLASSES, REFERENCE_SIZE, SUBSTEPS, Vocabulary, class_of

ENOUGH_SEEN = 30
"""Valid log steps that an agent needs for its motions to be counted (CAT-K)."""
SAME = 0.01
"""Snippets that differ by less than this in sum are counted once (CAT-K)."""
FASTEST = 45.0
"""m/s; faster snippets are faults of the log, dead tokens in the published vocabulary."""


@dataclass
class Args:
    """Build motion and map vocabularies with the k-disks rule."""

    scenarios: list[Path]
    """cached training shards, or a list of them (.txt)"""
    out: Path
    """vocabulary to write (.safetensors)"""
    report: Path
    """reconstruction error and dead tokens, JSON"""
    size: int
    """motion tokens per class"""
    tolerance: float
    """radius of a disk in metres, mean over the box corners"""
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
    rows = tqdm(range(len(store)), desc="collecting motions", unit="scenario")
    motions, pieces, used = collect((store[row] for row in rows), args.snippets)
    vocabulary = build(motions, pieces, args)
    vocabulary.write(args.out)
    write_json(args.report, report(vocabulary, [store[row] for row in range(used)]))


def collect(scenarios: Iterable[Scenario], limit: int) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Snippets [n, 6, 3] per class, map pieces [M, 11, 2], and the number of scenarios read.

    Snippets are in the frame of their first pose. Stops early when every class has `limit` snippets
    and there are as many map pieces.
    """
    found: list[list[np.ndarray]] = [[] for _ in CLASSES]
    pieces: list[np.ndarray] = []
    used = 0
    for scenario in scenarios:
        used += 1
        origin = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
        pieces.append(cut_map(scenario, origin).shape)
        rows = scenario.simulated[scenario.valid[scenario.simulated].sum(axis=1) >= ENOUGH_SEEN]
        classes = class_of(torch.from_numpy(scenario.agent_type[rows].astype(np.int64))).numpy()
        pose, seen = clean_tracks(scenario, rows, origin)
        for start in range(0, pose.shape[1] - SUBSTEPS, SUBSTEPS):
            window = torch.from_numpy(pose[:, start : start + SUBSTEPS + 1])
            local = to_local(window, window[:, :1]).numpy()
            speed = np.linalg.norm(local[:, -1, :2], axis=-1) / (SUBSTEPS * 0.1)
            whole = seen[:, start] & seen[:, start + SUBSTEPS] & (speed < FASTEST)
            for index in range(len(CLASSES)):
                found[index].append(local[whole & (classes == index)])
        if min(sum(map(len, motions)) for motions in (*found, pieces)) >= limit:
            break
    motions = [_distinct(np.concatenate(motions))[:limit] for motions in found]
    return motions, np.concatenate(pieces)[:limit].astype(np.float64), used


def _distinct(snippets: np.ndarray) -> np.ndarray:
    cell = np.round(snippets.reshape(len(snippets), -1) / SAME).astype(np.int32)
    first = np.unique(cell, axis=0, return_index=True)[1]
    return snippets[np.sort(first)]


def build(motions: list[np.ndarray], pieces: np.ndarray, args: Args) -> Vocabulary:
    """k-disks on end boxes per class (each token the mean of its disk) and on map pieces.

    The first motion token of every class is the disk around standing still, so a class that the
    data never show still has one.
    """
    motion = torch.zeros(len(CLASSES), args.size, SUBSTEPS + 1, 3)
    count = torch.zeros(len(CLASSES), dtype=torch.int64)
    generator = np.random.Generator(np.random.Philox(args.seed))
    for index, snippets in enumerate(motions):
        snippets = np.concatenate([np.zeros((1, SUBSTEPS + 1, 3)), snippets])
        length, width = torch.tensor(REFERENCE_SIZE[index])
        boxes = box_corners(torch.from_numpy(snippets[:, -1]), length, width).numpy()
        disks = k_disks(
            boxes, size=args.size, tolerance=args.tolerance, generator=generator, first=0
        )
        tokens = torch.from_numpy(np.stack([snippets[disk].mean(axis=0) for disk in disks]))
        tokens[0] = 0.0
        motion[index, : len(disks)] = tokens.float()
        motion[index, len(disks) :] = motion[index, 0]
        count[index] = len(disks)
    disks = k_disks(pieces, size=args.map_size, tolerance=args.map_tolerance, generator=generator)
    shapes = torch.from_numpy(np.stack([pieces[disk].mean(axis=0) for disk in disks])).float()
    # Fixed size whatever the data, so that a model's shape is known before its data are.
    padding = shapes[:1].expand(args.map_size - len(shapes), -1, -1)
    return Vocabulary(motion, count, torch.cat([shapes, padding]))


def report(vocabulary: Vocabulary, scenarios: list[Scenario]) -> dict[str, Any]:
    """Errors in metres of the data the vocabulary was built from, and tokens nobody uses."""
    errors: list[list[torch.Tensor]] = [[] for _ in CLASSES]
    uses = torch.zeros(len(CLASSES), vocabulary.size, dtype=torch.int64)
    map_errors, map_uses = [], np.zeros(len(vocabulary.map), dtype=np.int64)
    for scenario in tqdm(scenarios, desc="measuring reconstruction", unit="scenario"):
        origin = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
        pose, seen = clean_tracks(scenario, scenario.simulated, origin)
        classes = class_of(
            torch.from_numpy(scenario.agent_type[scenario.simulated].astype(np.int64))
        )
        at = slice(None, None, SUBSTEPS)
        logged = torch.from_numpy(pose[:, at]).float()
        token, path, valid = token_chain(vocabulary, classes, logged, torch.from_numpy(seen[:, at]))
        error = (path[..., :2] - logged[:, 1:, :2]).norm(dim=-1)
        pieces = cut_map(scenario, origin)
        nearest = nearest_shape(pieces.shape, vocabulary.map.numpy())
        map_errors.append(
            np.linalg.norm(pieces.shape - vocabulary.map.numpy()[nearest], axis=-1).mean(axis=-1)
        )
        map_uses += np.bincount(nearest, minlength=len(map_uses))
        for index in range(len(CLASSES)):
            mine = valid & (classes == index)[:, None]
            errors[index].append(error[mine])
            uses[index] += torch.bincount(token[mine], minlength=vocabulary.size)
    summary: dict[str, Any] = {"scenarios": len(scenarios)}
    for index, name in enumerate(CLASSES):
        count = int(vocabulary.count[index])
        summary[name] = {
            "tokens": count,
            "dead": int((uses[index, :count] == 0).sum()),
            **_spread(torch.cat(errors[index]).numpy()),
        }
    summary["map"] = {
        "tokens": len(np.unique(vocabulary.map.numpy(), axis=0)),
        "dead": int((map_uses == 0).sum()),
        **_spread(np.concatenate(map_errors)),
    }
    return summary


def _spread(error: np.ndarray) -> dict[str, float | int | None]:
    if not len(error):
        return {"samples": 0, "mean_error_m": None, "p99_error_m": None}
    return {
        "samples": len(error),
        "mean_error_m": round(float(error.mean()), 4),
        "p99_error_m": round(float(np.quantile(error, 0.99)), 4),
    }
