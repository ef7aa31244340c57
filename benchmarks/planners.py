"""64 random-shooting planners in closed loop: CPU seconds by scenes, against one planner and one scene at a time.

    OMP_NUM_THREADS=1 python benchmarks/planners.py
    OMP_NUM_THREADS=1 python benchmarks/planners.py --recipe RUN/recipe.json --weights RUN/model.safetensors \\
        --vocabulary VOCABULARY --scenarios SHARD --tokens SHARD

Without arguments log playback moves the other agents of synthetic scenes; with a run its policy does as well.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from simagents.config.algorithms import Sampling
from simagents.config.recipe import Recipe
from simagents.models.families import SceneReader, build_policy
from simagents.models.scenes import collate
from simagents.planners.closed_loop import drive_planners, logged
from simagents.planners.random_shooting import SIXTY_FOUR, RandomShooting
from simagents.planners.surroundings import Surroundings
from simagents.scenarios.store import ScenarioStore
from simagents.scenarios.synthetic import generate_scenario
from simagents.simulation.choice import Sample
from simagents.simulation.policy_controller import PolicyController
from simagents.simulation.rules import LogPlayback
from simagents.tokens.scene import TokenStore
from simagents.tokens.vocabulary import Vocabulary


@dataclass
class Args:
    """Time planners in closed loop."""

    counts: tuple[int, ...] = (5, 10, 20, 50)
    """numbers of scenes"""
    alone: int = 4
    """planners that are timed one at a time, in one scene; 0 for none"""
    scenarios: list[Path] | None = None
    """cached shards; synthetic scenes without"""
    tokens: list[Path] | None = None
    recipe: Path | None = None
    weights: Path | None = None
    vocabulary: Path | None = None
    seed: int = 1


def main(args: Args) -> None:
    """Print seconds and ratios as lines of a Markdown table."""
    most = max(args.counts)
    store = ScenarioStore(args.scenarios) if args.scenarios else None
    tokens = TokenStore(args.tokens) if args.tokens else None
    scenarios = [
        generate_scenario(args.seed, number) if store is None else store[number]
        for number in range(most)
    ]
    systems = {"log playback": (LogPlayback(), lambda number: collate([scenarios[number]]))}
    if args.recipe:
        recipe = Recipe.read(args.recipe)
        policy = build_policy(recipe, Vocabulary.read(args.vocabulary), args.weights).eval()
        sampling = Sampling(top_k=12, temperature=1.0)
        reader = SceneReader(recipe.model)
        systems[recipe.stage] = (
            PolicyController(policy, lambda draws: Sample(draws, sampling), 0, rollouts=1),
            lambda number: reader([scenarios[number]], [tokens[number]] if tokens else None),
        )
    agents = sum(len(each.simulated) for each in scenarios) / most
    print(f"{most} scenes, {agents:.0f} agents each on average\n")
    print("| traffic | scenes | planners | CPU s | CPU s a scene |\n|---|--:|--:|--:|--:|")
    for name, (traffic, read) in systems.items():
        for count in args.counts:
            seconds = timed(RandomShooting(), traffic, read, scenarios[:count])
            print(f"| {name} | {count} | 64 | {seconds:.1f} | {seconds / count:.2f} |", flush=True)
        if args.alone:
            step = len(SIXTY_FOUR) // args.alone
            chosen = SIXTY_FOUR[step // 2 :: step]
            each = [timed(RandomShooting((one,)), traffic, read, scenarios[:1]) for one in chosen]
            one = sum(each) / len(each)
            together = timed(RandomShooting(), traffic, read, scenarios[:1])
            ratio = 64 * one / together
            print(
                f"| {name} | 1 | {len(chosen)}, one at a time | {sum(each):.1f} | {one:.2f} each |"
            )
            print(f"\n64 planners together are {ratio:.1f} times as fast as one at a time.\n")


def timed(planners: RandomShooting, traffic: object, read: object, scenarios: list) -> float:
    """CPU seconds of these planners in these scenes, a scene at a time, grids of the scenes included."""
    begin = time.process_time()
    for number, scenario in enumerate(scenarios):
        scenes = read(number)
        drive_planners(scenes, [Surroundings.of(scenario)], [planners], traffic, 1, logged(scenes))
    return time.process_time() - begin


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(tyro.cli(Args))
