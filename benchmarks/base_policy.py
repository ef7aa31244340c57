"""What makes behaviour cloning see the road: one change at a time, at equal cost.

Trains the policy of the chosen scale with its recipe and with one change of it after the other, each for the
same CPU seconds of one core, or, for changes that leave the cost of a step as it is, for the same number of
steps, which other work on the machine does not change. Measures what a validation measures, and realism on the
held-out validation scenes. Scenarios and tokens are those of the workflow, which must have built them:

    snakemake --until tokenize_training_0 …   or any finished run of the scale
    OMP_NUM_THREADS=1 python benchmarks/base_policy.py --seconds 120 --out ablation.jsonl

The loop is that of training without DeepSpeed: same learner, batches, clipping and schedule, where the
schedule follows the seconds or steps used. A killed benchmark resumes with the first change that `--out` lacks.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

import torch
import tyro

from simagents.config.changes import changed
from simagents.config.keys import read_as
from simagents.config.reading import read
from simagents.config.recipe import Recipe
from simagents.evaluation.evaluate import scores_of
from simagents.evaluation.systems import of_policy
from simagents.metrics import Challenge
from simagents.models.families import build_policy
from simagents.planning.plan import Plan
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenStore
from simagents.tokens.vocabulary import Vocabulary
from simagents.training.data.batches import TrainingScenes
from simagents.training.distributed.processes import Processes
from simagents.training.learners.registry import build_learner
from simagents.training.schedule import rate_factor
from simagents.training.validation import Validation

CHANGES = {
    "chosen": {},
    "initial frequencies 0.02, as published": {"model.frequency_deviation": 0.02},
    "radii 15 and 30 m": {"model.map_to_agent_radius": 15.0, "model.agent_radius": 30.0},
    "a layer of map-to-map attention": {"model.map_layers": 1},
    "one block of agent attention": {"model.agent_layers": 1},
    "second beta 0.999": {"optimiser.betas": [0.9, 0.999]},
    "no warm-up": {"optimiser.warmup": 0.0},
    "linear schedule": {"optimiser.schedule": "linear"},
    "learning rate halved": {"budget.learning_rate": 1.5e-3},
    "learning rate 5e-3": {"budget.learning_rate": 5e-3},
    "batch 1": {"budget.batch": 1},
    "batch 4": {"budget.batch": 4},
    "batch 8": {"budget.batch": 8},
    "label smoothing 0.1": {"algorithm.label_smoothing": 0.1},
    "spatial smoothing 0.1": {
        "algorithm.label_smoothing": 0.1, "algorithm.smoothing": "spatial",
    },
}  # fmt: skip
"""Dotted keys of the recipe that differ from the chosen one."""
FEWER = {"a quarter of the scenes": 4, "a sixteenth of the scenes": 16}
"""Into how many parts the training scenes are divided, of which one is used."""
TICKS = 10_000
"""Into which a training is divided for the schedule."""


@dataclass
class Args:
    """Compare recipes of behaviour cloning."""

    out: Path
    """one JSON line per change"""
    seconds: float = 120.0
    """CPU seconds of training for each"""
    steps: int = 0
    """of training for each, in place of seconds"""
    scale: str = "demo"
    only: list[str] = field(default_factory=list)
    """names of changes; all if none is given"""
    repeats: int = 1
    """seeds of each"""
    rollouts: int = 16
    """of each validation scene"""
    root: Path = Path()
    """the repository, with results/SCALE"""


def main(args: Args) -> None:
    """Train and measure what `out` lacks, then print the table."""
    torch.set_num_threads(1)
    plan = Plan.of(read(args.root, {"scale": args.scale, "data": "default"}))
    chosen = next(row.systems[0] for row in plan.tables["baselines"].rows if row.label == "BC")
    results = (
        [json.loads(line) for line in args.out.read_text().splitlines()]
        if args.out.exists()
        else []
    )
    changes = dict(CHANGES)
    if plan.source == "synthetic":
        changes |= {name: {"held_out": _held_out(plan, parts)} for name, parts in FEWER.items()}
    budget = {"steps": args.steps} if args.steps else {"seconds": args.seconds}
    known = {(r["name"], r["seed"]) for r in results if r["budget"] == budget}
    for seed in range(args.repeats):
        for name in args.only or changes:
            if (name, seed) in known:
                continue
            content = chosen.recipe.model_dump(mode="json") | {"seed": seed}
            recipe = read_as(Recipe, changed(content, changes[name], name), name)
            found = measured(recipe, plan, args)
            results.append({"name": name, "seed": seed, "budget": budget, **found})
            with args.out.open("a") as file:
                file.write(json.dumps(results[-1]) + "\n")
    print(table([result for result in results if result["budget"] == budget]))


def _held_out(plan: Plan, parts: int) -> int:
    """How many scenes to hold out so that one of so many parts of the training scenes is left."""
    settings = plan.config.scenarios.synthetic
    scenes = settings.training_shards * settings.per_shard
    return scenes - (scenes - settings.held_out) // parts


def measured(recipe: Recipe, plan: Plan, args: Args) -> dict[str, float]:
    """Train, then validate and score."""
    results = args.root / plan.results
    tokens = results / "tokens" / recipe.tokens
    vocabulary = Vocabulary.read(tokens / "vocabulary.safetensors")
    policy = build_policy(recipe, vocabulary)
    scenarios = results / "scenarios" / plan.data_id
    training = [
        sorted((folder / "training").glob("*.safetensors")) for folder in (scenarios, tokens)
    ]
    scenes = TrainingScenes(*training, recipe, vocabulary)
    steps = _train(policy, recipe, scenes, args)
    health = Validation(scenes, recipe, Processes(0, 1, torch.device("cpu")), 4)(policy)
    held_out = [
        sorted((folder / "validation").glob("*.safetensors")) for folder in (scenarios, tokens)
    ]
    limit = plan.config.evaluation.limit
    return {"steps": steps, **health, **_scored(policy, recipe, *held_out, limit, args.rollouts)}


def _train(policy: torch.nn.Module, recipe: Recipe, scenes: TrainingScenes, args: Args) -> int:
    """How many steps it took."""
    learner = build_learner(recipe, policy, policy, None)
    settings, rate = recipe.optimiser, recipe.budget.learning_rate
    optimiser = torch.optim.AdamW(
        policy.parameters(), lr=rate, betas=settings.betas, weight_decay=settings.weight_decay
    )
    used, step, batch = 0.0, 0, recipe.budget.batch
    # How many steps some seconds allow is not known, so the schedule runs over what is done of either.
    ticks = recipe.budget.model_copy(update={"steps": TICKS})
    by_progress = recipe.model_copy(update={"budget": ticks})
    while (done := step / args.steps if args.steps else used / args.seconds) < 1:
        start = process_time()
        for group in optimiser.param_groups:
            group["lr"] = rate * rate_factor(int(done * TICKS), by_progress)
        policy.train()
        scene_batch = scenes[list(range(step * batch, (step + 1) * batch))]
        learner.prepare([scene_batch])
        loss, _ = learner.loss(scene_batch, float(learner.counts(scene_batch)))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), settings.clip)
        optimiser.step()
        step += 1
        used += process_time() - start
    return step


def _scored(
    policy: torch.nn.Module, recipe: Recipe, scenarios: list[Path], tokens: list[Path], limit: int,
    rollouts: int,
) -> dict[str, float]:  # fmt: skip
    sampling, device = recipe.validation.sampling, torch.device("cpu")
    system = of_policy(policy.eval(), recipe.model, rollouts, sampling, 0, device)
    store, token_store, challenge = ScenarioStore(scenarios), TokenStore(tokens), Challenge.of(2025)
    numbers = []
    for row in range(limit):
        scenario = store[row]
        trajectories = system(scenario, token_store[row])
        numbers.append(scores_of(scenario, trajectories, challenge, "cpu"))
    mean = {key: sum(row[key] for row in numbers) / limit for key in numbers[0]}
    return {
        "realism": mean["metametric"],
        "ade": mean["average_displacement_error"],
        "driven": mean["simulated_distance"] / mean["logged_distance"],
    }


def table(results: list[dict]) -> str:
    """Markdown; means over seeds."""
    lines = [
        "| | steps | cross-entropy | its rise without the map | realism | ADE (m) | driven |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(result["name"] for result in results):
        rows = [result for result in results if result["name"] == name]
        mean = {
            key: sum(r[key] for r in rows) / len(rows)
            for key in rows[0]
            if key not in ("name", "budget")
        }
        lines.append(
            f"| {name} | {mean['steps']:,.0f} | {mean['validation_cross_entropy']:.3f}"
            f" | {mean['validation_rise_without_map']:.3f} | {mean['realism']:.3f}"
            f" | {mean['ade']:.2f} | {mean['driven']:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Args))
