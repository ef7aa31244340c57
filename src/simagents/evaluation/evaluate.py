"""Roll one system out on a chunk of the validation scenarios, and score it as WOSAC does."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from simagents.config.goals import GoalKind
from simagents.config.recipe import Precision
from simagents.device import autocast, check_device
from simagents.evaluation.arguments import SceneArgs
from simagents.evaluation.chunks import rows_of_chunk
from simagents.evaluation.systems import System, draws_of, named
from simagents.files import replacing
from simagents.metrics import Challenge, LogReference, rollout_statistics, score
from simagents.metrics.distance import metres_driven
from simagents.metrics.goals import goal_scores
from simagents.scenarios.goals import goals_of
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.scorable import unscorable
from simagents.scenarios.store import ScenarioStore


@dataclass(kw_only=True)
class Args(SceneArgs):
    """Score a run (--recipe and --weights) or a --baseline on one chunk of scenarios."""

    out: Path
    """one row per scenario (.parquet), columns by the official names"""
    rollouts: int
    """simulations of each scenario; 32 in the challenge"""
    challenge: int
    """2023, 2024 or 2025"""
    top_k: int
    """tokens are drawn from the likeliest so many; 0 for all"""
    temperature: float
    seed: int
    """of the rollouts; the same for all systems that are compared"""
    goals: GoalKind | None = None
    """goals that agents are given, and by which the system is scored as well"""
    precision: Precision = "float32"
    """of a policy's products: float32 or bfloat16"""
    limit: int = 0
    """score only the first so many scenarios of all shards; 0 for all"""
    chunk: int = 0
    """this chunk …"""
    chunks: int = 1
    """… of so many"""
    recipe: Path | None = None
    weights: Path | None = None
    baseline: str | None = None
    """log, constant_velocity, intelligent_driver, random_tokens, …"""
    pictures: Path | None = None
    """keep the rollouts of the first scenarios here (.safetensors)"""
    pictured: int = 0
    """how many"""
    rollouts_out: Path | None = None
    """keep the rollouts of every scenario here (.safetensors), for `simagents score` and `submit`"""


def main(args: Args) -> None:
    """Every scenario is scored on its own; those that the metric cannot score are printed and left out."""
    check_device(args.device)
    store = ScenarioStore(args.scenarios)
    tokens = args.read_tokens(store.ids)
    chunk = rows_of_chunk(len(store), args.limit, args.chunk, args.chunks)
    system = build_system(args)
    challenge = Challenge.of(args.challenge)
    scores = []
    with ExitStack() as stack:
        keep_pictured, keep = (
            stack.enter_context(writing_rollouts(path)) if path else None
            for path in (args.pictures, args.rollouts_out)
        )
        for row in tqdm(chunk, desc=args.out.stem, unit="scenario"):
            scenario = store[int(row)]
            scene = None if tokens is None else tokens[int(row)]
            goals = goals_of(scenario, args.goals, args.seed) if args.goals else None
            with autocast(args.device, args.precision):
                trajectories = system(scenario, scene, goals)
            kept = (scenario.id, scenario.agent_id[scenario.simulated], trajectories.cpu().numpy())
            if keep:  # before scoring: a submission includes scenarios without a score
                keep(*kept)
            if reason := unscorable(scenario):
                print(f"skipped: scenario {scenario.id} {reason}, so it has no score.")
                continue
            numbers = scores_of(scenario, trajectories, challenge, args.device)
            if goals is not None:
                numbers |= goal_scores(trajectories, goals)
            scores.append({"scenario_id": scenario.id, **numbers})
            if keep_pictured and row < args.pictured:
                keep_pictured(*kept)
        with replacing(args.out) as temporary:
            pd.DataFrame(scores).to_parquet(temporary, index=False)


def scores_of(
    scenario: Scenario, trajectories: Tensor, challenge: Challenge, device: str
) -> dict[str, float]:
    """The official scores of rollouts [R, A, 80, 4] of one scenario, and the metres driven."""
    reference = LogReference.of(scenario, challenge, device=device)
    numbers = score(reference, rollout_statistics(reference, trajectories)).numbers()
    return numbers | metres_driven(scenario, trajectories)


def build_system(args: Args) -> System:
    """The run or baseline that the arguments name."""
    return named(
        args.recipe, args.weights, args.baseline, args.vocabulary_there, args.rollouts,
        draws_of(args.top_k, args.temperature), args.seed, torch.device(args.device),
    )  # fmt: skip
