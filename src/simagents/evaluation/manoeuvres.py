"""Rollouts of one scene under different goals of one vehicle, for a figure.

The file is one of rollouts (`scenarios/rollout_file.py`) whose ids are `SCENARIO/MANOEUVRE`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from simagents.device import check_device
from simagents.errors import InputError
from simagents.evaluation.arguments import SceneArgs
from simagents.evaluation.systems import draws_of, trained
from simagents.scenarios.manoeuvres import PAIRS, Manoeuvres, shown
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.store import ScenarioStore


@dataclass(kw_only=True)
class Args(SceneArgs):
    """Roll a run out in one scene under the goals of two manoeuvres of one vehicle."""

    recipe: Path
    weights: Path
    out: Path
    """rollouts by scenario and manoeuvre (.safetensors)"""
    rollouts: int
    top_k: int
    """tokens are drawn from the likeliest so many; 0 for all"""
    temperature: float
    seed: int
    limit: int = 0
    """choose among the first so many scenarios of all shards; 0 for all"""


def main(args: Args) -> None:
    """The scene is the first one with the best pair of manoeuvres, the same for every run."""
    check_device(args.device)
    store = ScenarioStore(args.scenarios)
    tokens = args.read_tokens(store.ids)
    system = trained(
        args.recipe, args.weights, args.vocabulary_there, args.rollouts,
        draws_of(args.top_k, args.temperature), args.seed, torch.device(args.device),
    )  # fmt: skip
    number, vehicle, goals = chosen(store, args.limit)
    scenario = store[number]
    ids, place = scenario.agent_id[scenario.simulated], scenario.simulated == vehicle
    with writing_rollouts(args.out) as keep:
        for name, goal in goals.items():
            given = np.where(place[:, None], goal, np.nan)
            trajectories = system(scenario, tokens[number] if tokens else None, given)
            keep(f"{scenario.id}/{name}", ids, trajectories.cpu().numpy())


def chosen(store: ScenarioStore, limit: int) -> tuple[int, int, Manoeuvres]:
    """Number of the scene, row of the vehicle, and its goals.

    Raises InputError where no scene has a vehicle that could do two of the manoeuvres.
    """
    best = None
    for number in range(min(limit or len(store), len(store))):
        found = shown(store[number])
        rank = len(PAIRS) if found is None else PAIRS.index(tuple(found[1]))
        if found is not None and (best is None or rank < best[0]):
            best = rank, number, *found
        if rank == 0:
            break
    if best is None:
        raise InputError("no scene has a vehicle with two manoeuvres ahead; give more scenes.")
    return best[1:]
