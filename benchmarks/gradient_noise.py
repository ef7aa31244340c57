"""How much noise the credit rules put into the gradient, from one set of rollouts of one policy.

The gradient from a group of N rollouts of one scene is g = 1/N Σ A_i S_i, where S_i is the gradient of the
mean log-probability of rollout i's actions and A_i its credit. Its expectation E g, over scenes and groups,
is the signal, and E|g|² - |E g|² the noise; a step over B scenes has 1/B of the noise. Printed are, for each
rule and N, the mean |g|² and the number of scenes at which noise and signal are equal.

|E g|² is the mean of the products of different scenes' gradients, which is unbiased. A constant and
leave-one-out have one expected gradient (`algorithms/credit/leave_one_out.py`), so both have the signal that
is measured with less noise, that of leave-one-out; so have RLOO and the scene mean, up to (N - 1)/N. The interval
is a jackknife over scenes. Where it reaches zero signal, the number of scenes is not resolved.

    OMP_NUM_THREADS=1 python benchmarks/gradient_noise.py --stage sft --scenes 24 --rollouts 16
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from tqdm import tqdm

from simagents.algorithms.weights import rollout_mean, weighted
from simagents.config.reading import read
from simagents.config.recipe import Recipe
from simagents.counter import hashed, key_of
from simagents.metrics import Challenge, LogReference, rollout_statistics, score_subsets
from simagents.models.families import build_policy, freeze
from simagents.plan import Plan
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out
from simagents.tokens.vocabulary import Vocabulary
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.experience import Padding


@dataclass
class Args:
    """Measure the noise of policy gradients."""

    stage: str = "sft"
    """of the table of baselines: whose policy acts; its weights must be there"""
    scenes: int = 24
    """held-out training scenes"""
    rollouts: int = 16
    """of each; a power of two"""
    scale: str = "demo"
    root: Path = Path()
    """the repository, with results/SCALE"""


def main(args: Args) -> None:
    """Print a Markdown table."""
    torch.set_num_threads(1)
    plan = Plan.of(read(args.root, {"scale": args.scale, "data": "default"}))
    systems = plan.tables["baselines"].systems  # where a stage is as its file says
    run = next(run for run in systems if getattr(run, "stage", None) == args.stage)
    results = args.root / plan.results
    recipe: Recipe = run.recipe
    vocabulary = Vocabulary.read(results / "tokens" / recipe.tokens / "vocabulary.safetensors")
    policy = build_policy(recipe, vocabulary, results / f"runs/{run.id}/model.safetensors").eval()
    freeze(policy, recipe.model_copy(update={"trains": "agents"}))
    shards = [
        sorted((folder / "training").glob("*.safetensors"))
        for folder in (results / "scenarios" / plan.data_id, results / "tokens" / recipe.tokens)
    ]
    scenes = TrainingScenes(*shards, recipe)
    measured = [
        _measure(policy, recipe, scenes, row, args.rollouts)
        for row in tqdm(range(min(args.scenes, recipe.held_out)), unit="scene")
    ]
    print(table(measured, args.rollouts))


def _measure(
    policy: torch.nn.Module, recipe: Recipe, scenes: TrainingScenes, row: int, rollouts: int
) -> tuple[np.ndarray, dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Score functions [R, P] of a scene, rewards of groups [R/N] and of their members' others [R] by N."""
    batch = scenes.held_out([row])
    sampling = recipe.validation.sampling
    seed = int(hashed(recipe.seed, key_of("noise"), row))
    sampled = roll_out(policy, batch.scenes, rollouts, lambda draws: Sample(draws, sampling), seed)
    reference = LogReference.of(batch.scenarios[0], Challenge.of(2025))
    statistics = rollout_statistics(reference, sampled.trajectories[0])
    groups, without = {}, {}
    everyone = torch.eye(rollouts)
    for size in _sizes(rollouts):
        members = everyone.view(rollouts // size, size, rollouts).sum(1)
        others = members.repeat_interleave(size, 0) - everyone
        groups[size] = score_subsets(reference, statistics, members).metametric.double().numpy()
        if size > 1:
            left = score_subsets(reference, statistics, others).metametric
            without[size] = left.double().numpy()
    trained = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    scores = []
    for rollout in range(rollouts):
        rows = torch.nonzero(sampled.paths.world == rollout).squeeze(-1)
        paths = sampled.paths.rows(rows)
        drawn_from = policy(batch.scenes, paths).drawn_by(sampling, paths.support)
        pad = Padding(batch.scenes, 1)
        log_prob = pad(drawn_from.log_prob(paths.chosen))
        weight = rollout_mean(pad.valid(log_prob.shape[-1]).flatten(0, 1), 1.0).view_as(log_prob)
        gradient = torch.autograd.grad(weighted(weight, log_prob), trained)
        scores.append(torch.cat([part.flatten() for part in gradient]).numpy())
    return np.stack(scores), groups, without


def _sizes(rollouts: int) -> list[int]:
    return [2**power for power in range(int(np.log2(rollouts)) + 1)]


def table(measured: list, rollouts: int) -> str:
    """Markdown, by N and rule."""
    lines = [
        "| N | credit | mean \\|g\\|², relative to leave-one-out | scenes for noise = signal | 95 % interval |",
        "|--:|---|--:|--:|---|",
    ]
    for size in _sizes(rollouts)[1:]:
        parts = {rule: _products(_gradients(measured, size, rule)) for rule in RULES}
        reference = parts["leave-one-out"][0].mean()
        for rule in RULES:
            squares, products = parts[rule][0], parts[SIGNAL[rule]][1]
            ratio, low, high = _jackknifed(squares, products)
            bounds = (
                f"{1 / end:,.0f}" if end > 0 else "not resolved" for end in (ratio, high, low)
            )
            scenes, least, most = bounds
            lines.append(
                f"| {size} | {rule} | {squares.mean() / reference:.3g} | {scenes} | {least} to {most} |"
            )
    return "\n".join(lines)


RULES = ("constant α", "scene mean", "RLOO", "leave-one-out")
SIGNAL = {
    "constant α": "leave-one-out", "leave-one-out": "leave-one-out", "scene mean": "scene mean",
    "RLOO": "RLOO",
}  # fmt: skip


def _gradients(measured: list, size: int, rule: str) -> np.ndarray:
    """[scenes, groups, P] of one rule."""
    alpha = np.mean([groups[size].mean() for _, groups, _ in measured])
    gradients = []
    for scores, groups, without in measured:
        single = groups[1].reshape(-1, size)
        if rule == "constant α":
            credit = np.repeat(groups[size] - alpha, size).reshape(-1, size)
        elif rule == "leave-one-out":
            credit = groups[size][:, None] - without[size].reshape(-1, size)
        else:
            credit = single - single.mean(axis=1, keepdims=True)
            credit = credit * size / (size - 1) if rule == "RLOO" else credit
        by_group = scores.reshape(-1, size, scores.shape[1])
        gradients.append(np.einsum("gn,gnp->gp", credit, by_group) / size)
    return np.stack(gradients)


def _products(gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean |g|² of each scene's groups, and the products [scenes, scenes] of scenes' mean gradients."""
    by_scene = gradients.mean(axis=1).astype(np.float64)
    return (gradients.astype(np.float64) ** 2).sum(-1).mean(-1), by_scene @ by_scene.T


def _jackknifed(squares: np.ndarray, products: np.ndarray) -> tuple[float, float, float]:
    """Signal over noise of one scene, and the ends of its 95 % interval."""

    def ratio(kept: np.ndarray) -> float:
        among = products[np.ix_(kept, kept)]
        count = len(kept)
        signal = (among.sum() - np.trace(among)) / (count * (count - 1))
        return signal / (squares[kept].mean() - signal)

    everyone = np.arange(len(squares))
    whole = ratio(everyone)
    left_out = np.array([ratio(np.delete(everyone, scene)) for scene in everyone])
    count = len(squares)
    error = np.sqrt((count - 1) / count * ((left_out - left_out.mean()) ** 2).sum())
    return whole, whole - 1.96 * error, whole + 1.96 * error


if __name__ == "__main__":
    main(tyro.cli(Args))
