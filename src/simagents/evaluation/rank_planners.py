"""What planners are worth among the agents of one system: Peng et al. 2024, section 5.3.

The file (.parquet) has a row for each scenario, rollout and planner, with raw values:

    scenario_id, rollout, planner
    steerings, accelerations, candidates, depth    of a random-shooting planner; null for others
    collision, off_road, off_route                 steps of 80
    progress                                       metres along the route
    return                                         of `planners/reward.py`
    agents                                         who was there besides the SDC: `logged` or `all`
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from simagents.config.planners import Agents
from simagents.config.recipe import Recipe
from simagents.device import check_device
from simagents.errors import InputError
from simagents.evaluation.arguments import SceneArgs
from simagents.evaluation.chunks import rows_of_chunk
from simagents.evaluation.systems import System, draws_of, named
from simagents.files import replacing
from simagents.planners.closed_loop import Drives, drive_planners, logged
from simagents.planners.planner import Planner
from simagents.planners.random_shooting import SIXTY_FOUR, RandomShooting
from simagents.planners.surroundings import Surroundings
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.scorable import undefined
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenScene, tokenize

BUILT_IN = "random_shooting"
"""Name of the 64 planners of the paper."""
_PARTS = ("collision", "off_road", "off_route", "progress")


@dataclass(kw_only=True)
class Args(SceneArgs):
    """Rank planners that drive among the agents of a run (--run, or --recipe and --weights) or of a
    --baseline."""

    out: Path
    """a row for each scenario, rollout and planner (.parquet)"""
    planners: tuple[str, ...] = (BUILT_IN,)
    """`random_shooting`, the 64 of the paper, or planners of your own, each as MODULE:NAME"""
    run: Path | None = None
    """folder of a run of the workflow, in place of --recipe, --weights and --vocabulary"""
    recipe: Path | None = None
    weights: Path | None = None
    baseline: str | None = None
    """log, constant_velocity, intelligent_driver, random_tokens, …"""
    rollouts: int = 1
    """simulations of each scenario with each planner"""
    top_k: int = 0
    """tokens are drawn from the likeliest so many; 0 for all"""
    temperature: float = 1.0
    seed: int = 0
    """of the draws, which are the same for all planners"""
    agents: Agents = "logged"
    """`logged`: an agent that the log does not show at a step is not there, whatever moves it; `all`: whoever
    is there at the current step stays, for planners as for the system"""
    tokens: list[Path] | None = None
    """the same shards, tokenised; without it they are tokenised on the way"""
    scenes: int = 0
    """only the first so many scenarios of all shards; 0 for all"""
    chunk: int = 0
    """this chunk …"""
    chunks: int = 1
    """… of so many"""


def main(args: Args) -> None:
    """Scenarios without a road edge are printed and left out: nobody can leave the road there."""
    check_device(args.device)
    args = _with_run(args)
    planners = [planner_of(name) for name in args.planners]
    names = [name for planner in planners for name in planner.names]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"--planners: two planners are called `{twice}`.")
    if args.scenes < 0:
        raise InputError(f"--scenes is {args.scenes}; give a number of scenarios, or 0 for all.")
    store = ScenarioStore(args.scenarios)
    tokens = args.read_tokens(store.ids)
    rows = rows_of_chunk(len(store), args.scenes, args.chunk, args.chunks)
    device = torch.device(args.device)
    vocabulary = args.vocabulary_there
    system = named(
        args.recipe, args.weights, args.baseline, vocabulary, args.rollouts,
        draws_of(args.top_k, args.temperature), args.seed, device,
    )  # fmt: skip
    on_cpu = None if vocabulary is None else vocabulary.to(torch.device("cpu"))
    tables = []
    for row in tqdm(rows.tolist(), desc=args.out.stem, unit="scenario"):
        scenario = store[row]
        if reason := undefined(scenario):
            print(f"skipped: scenario {scenario.id} {reason}.")
            continue
        scene = None if tokens is None else tokens[row]
        if scene is None and on_cpu is not None:
            scene = tokenize(scenario, on_cpu)
        drives = drive(system, scenario, scene, planners, args.rollouts, args.agents, device)
        tables.append(table_of(scenario.id, names, drives, args.agents))
    # A chunk in which nobody can drive has no columns at all.
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    with replacing(args.out) as temporary:
        table.to_parquet(temporary, index=False)
    print(ranking(table) if tables else "no scenario is left to drive in.")


def drive(
    system: System,
    scenario: Scenario,
    scene: TokenScene | None,
    planners: Sequence[Planner],
    rollouts: int,
    agents: Agents,
    device: torch.device,
) -> Drives:
    """All planners in one scenario, a system of so many rollouts moving everyone else."""
    scenes = system.read(scenario, scene, None).to(device)
    present = logged(scenes) if agents == "logged" else None
    surroundings = [Surroundings.of(scenario)]
    return drive_planners(scenes, surroundings, planners, system.controller, rollouts, present)[0]


def planner_of(name: str) -> Planner:
    """The built-in set, or what `MODULE:NAME` imports: a planner, or a class or function that makes one
    without arguments. Raises InputError where there is none."""
    if name == BUILT_IN:
        return RandomShooting()
    module, colon, attribute = name.partition(":")
    if not colon:
        raise InputError(f"--planners: `{name}` is neither `{BUILT_IN}` nor MODULE:NAME.")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as problem:
        raise InputError(f"--planners: cannot import `{name}` ({problem}).") from None
    # A class has the methods of its planners, too.
    makes = isinstance(found, type) or (callable(found) and not isinstance(found, Planner))
    made = found() if makes else found
    if not isinstance(made, Planner):
        raise InputError(f"--planners: `{name}` is no planner; it needs `names` and `start`.")
    if isinstance(made.names, str):
        raise InputError(
            f'--planners: the names of `{name}` are a text; write `names = ("{made.names}",)`.'
        )
    return made


def table_of(scenario: str, names: Sequence[str], drives: Drives, agents: Agents) -> pd.DataFrame:
    """Rows of the file, of one scenario."""
    shooters = {each.name: each for each in SIXTY_FOUR}
    of = [shooters.get(name) for name in names]
    facts = {
        "steerings": [each and each.steerings for each in of],
        "accelerations": [each and each.accelerations for each in of],
        "candidates": [each and each.steerings * each.accelerations for each in of],
        "depth": [each and each.depth for each in of],
    }
    each = drives.rollouts
    numbers = {part: getattr(drives.returns, part).cpu().numpy() for part in _PARTS}
    return pd.DataFrame(
        {
            "scenario_id": scenario,
            "rollout": np.tile(np.arange(each), len(names)),
            "planner": np.repeat(list(names), each),
            **{key: pd.array(values, "Int64").repeat(each) for key, values in facts.items()},
            **numbers,
            "return": drives.returns.total.cpu().numpy(),
            "agents": agents,
        }
    )


def ranking(table: pd.DataFrame) -> str:
    """Planners by their mean return over scenarios, with its standard error and mean parts, as text."""
    scenes = table.groupby(["planner", "scenario_id"])[["return", *_PARTS]].mean()
    means = scenes.groupby("planner").mean()
    deviation = scenes["return"].groupby("planner").std()
    means.insert(1, "error", deviation / np.sqrt(table["scenario_id"].nunique()))
    means = means.sort_values("return", ascending=False, kind="stable")
    means.insert(0, "rank", means["return"].rank(ascending=False, method="min").astype(int))
    return means.round(4).to_string(na_rep="n/a")


def _with_run(args: Args) -> Args:
    """With recipe, weights and vocabulary of the folder of a run, which lie where the workflow puts them."""
    if args.run is None:
        return args
    if args.recipe or args.weights or args.baseline:
        raise InputError(
            "give --run, or --recipe and --weights, or --baseline, and not two of them."
        )
    recipe, weights = args.run / "recipe.json", args.run / "model.safetensors"
    vocabulary = args.vocabulary
    if vocabulary is None and (tokens := Recipe.read(recipe).tokens):
        vocabulary = args.run.absolute().parents[1] / "tokens" / tokens / "vocabulary.safetensors"
    return replace(args, run=None, recipe=recipe, weights=weights, vocabulary=vocabulary)
