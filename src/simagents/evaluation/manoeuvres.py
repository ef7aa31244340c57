"""Rollouts of one scene under different goals of one vehicle, for a figure.

The file is one of rollouts (`scenarios/rollout_file.py`) whose ids are `SCENARIO/MANOEUVRE`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from simagents.device import check_device
from simagents.errors import InputError
from simagents.evaluation.systems import draws_of, trained
from simagents.scenarios.manoeuvres import PAIRS, Manoeuvres, shown
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenStore
from simagents.tokens.vocabulary import Vocabulary


@dataclass
class Args:
    """Roll a run out in one scene under the goals of two manoeuvres of one vehicle."""

    recipe: Path
    weights: Path
    scenarios: list[Path]
    """cached shards, or a list of them (.txt)"""
    out: Path
    """rollouts by scenario and manoeuvre (.safetensors)"""
    rollouts: int
    top_k: int
    """tokens are drawn from the likeliest so many; 0 for all"""
    temperature: float
    seed: int
    limit: int = 0
    """choose among the first so many scenarios of all shards; 0 for all"""
    tokens: list[Path] | None = None
    """the same shards, tokenised; for models that read tokens"""
    vocabulary: Path | None = None
    """of the tokens"""
    device: str = "cuda" if torch.cuda.is_available() else "cpu"


def main(args: Args) -> None:
    """The scene is the first one with the best pair of manoeuvres, the same for every run."""
    check_device(args.device)
    store = ScenarioStore(args.scenarios)
    tokens = TokenStore.beside(store.ids, args.tokens)
    device = torch.device(args.device)
    vocabulary = Vocabulary.read(args.vocabulary).to(device) if args.vocabulary else None
    sampling = draws_of(args.top_k, args.temperature)
    system = trained(
        args.recipe, args.weights, vocabulary, args.rollouts, sampling, args.seed, device
    )
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
