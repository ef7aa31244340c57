"""Score functions and rewards of one set of rollouts: what gradients of any credit rule are made of.

The file (.safetensors) has S scenes, R rollouts of each; rollouts are ordered by scene.

    products       float32 [_]             dot products of the rollouts' score functions: of their symmetric
                                           matrix [S·R, S·R] the upper triangle, row by row
    rewards.N      float32 [S, R/N]        the metric of every N successive rollouts, N = 1, 2, 4, … R
    without.N      float32 [S, R/N, N]     the same without each of its members, N ≥ 2

and as metadata `weights`, the number of weights of a score function, `sketched`, whether the dot
products are those of count sketches, and the settings of the measurement.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from simagents.config.gradients import Gradients
from simagents.config.keys import read_as
from simagents.config.recipe import Recipe
from simagents.device import check_device
from simagents.errors import InputError
from simagents.evaluation.held_out import HeldOutArgs, HeldOutScenes
from simagents.evaluation.score_functions import MOST_WEIGHTS, CountSketch, score_function
from simagents.files import read_object, replacing
from simagents.metrics import Challenge, LogReference, rollout_statistics, score_subsets
from simagents.models.families import SceneReader, build_policy, freeze
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out


@dataclass(kw_only=True)
class Args(HeldOutArgs):
    """Measure what the gradient of any credit rule is made of, on scenes that no run trains on."""

    settings: str
    """JSON: scenes, rollouts, group, challenge, sampling, seed"""
    out: Path
    """dot products of score functions, and rewards (.safetensors)"""


def main(args: Args) -> None:
    """One rollout's activations are in memory at a time. Does not resume: a killed job starts again.

    Over the weights that `trains: agents` trains, whatever the run itself trained. Dropout is off.
    """
    check_device(args.device)
    settings = read_as(Gradients, read_object(args.settings, "--settings", dict), "--settings")
    device = torch.device(args.device)
    held_out = HeldOutScenes(args)
    recipe = Recipe.read(args.recipe)
    policy = build_policy(recipe, args.vocabulary_there, args.weights).to(device).eval()
    freeze(policy, recipe.model_copy(update={"trains": "agents"}))
    weights = [weight for weight in policy.parameters() if weight.requires_grad]
    count = sum(weight.numel() for weight in weights)
    sketch = CountSketch(count) if count > MOST_WEIGHTS else None
    if len(held_out) < settings.scenes:
        raise InputError(
            f"{len(held_out)} training scenes are fewer than {settings.scenes}; give more."
        )
    reader, challenge = SceneReader(recipe.model), Challenge.of(settings.challenge)
    sets = compared_sets(settings.rollouts)
    vectors, scores = [], []
    for scenario, scene in held_out.scorable(
        settings.scenes, "this measurement", "score functions"
    ):
        scenes = reader([scenario], None if scene is None else [scene]).to(device)
        sampled = roll_out(
            policy, scenes, settings.rollouts, lambda draws: Sample(draws, settings.sampling),
            settings.seed,
        )  # fmt: skip
        reference = LogReference.of(scenario, challenge, device=args.device)
        statistics = rollout_statistics(reference, sampled.trajectories[0])
        scored = score_subsets(reference, statistics, torch.cat(list(sets.values()))).metametric
        scores.append(scored.float().cpu())
        for rollout in range(settings.rollouts):
            mine = torch.nonzero(sampled.paths.world == rollout).squeeze(-1)
            vector = score_function(
                policy, scenes, sampled.paths.rows(mine), settings.sampling, weights
            )
            vectors.append(vector if sketch is None else sketch(vector))
    parts = torch.stack(scores).split([len(part) for part in sets.values()], dim=1)
    arrays = dict(zip(sets, parts, strict=True))
    for name in arrays:
        kind, _, size = name.partition(".")
        shape = (len(scores), -1, int(size)) if kind == "without" else (len(scores), -1)
        arrays[name] = arrays[name].reshape(shape).contiguous()
    stacked = torch.stack(vectors)
    facts = {**settings.model_dump(mode="json"), "weights": count, "sketched": sketch is not None}
    with replacing(args.out) as temporary:
        metadata = {name: json.dumps(fact) for name, fact in facts.items()}
        row, column = torch.triu_indices(len(stacked), len(stacked))
        products = (stacked @ stacked.T)[row, column]
        save_file({"products": products, **arrays}, temporary, metadata)


def compared_sets(rollouts: int) -> dict[str, Float[Tensor, "_ R"]]:
    """Sets of R rollouts as rows of ones and zeros, by the name of the array of their rewards.

    A leave-one-out set is a group less one member; groups in order, within each its members.
    """
    sets, size = {}, 1
    while size <= rollouts:
        groups = torch.eye(rollouts // size).repeat_interleave(size, dim=1)
        sets[f"rewards.{size}"] = groups
        if size > 1:
            sets[f"without.{size}"] = groups.repeat_interleave(size, dim=0) - torch.eye(rollouts)
        size *= 2
    return sets
