"""The mean reward of a policy on held-out training scenes: what thresholds are measured from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from simagents.device import check_device
from simagents.evaluation.systems import trained
from simagents.files import write_json
from simagents.metrics import Challenge, LogReference, rollout_statistics, score_subsets
from simagents.models.distribution import Sampling
from simagents.rewards.realism import scored_together
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenStore
from simagents.tokens.vocabulary import Vocabulary


@dataclass
class Args:
    """Measure the mean reward of a run, from which MPO's threshold is an offset."""

    recipe: Path
    weights: Path
    scenarios: list[Path]
    """cached training shards, or a list of them (.txt)"""
    tokens: list[Path]
    """the same shards, tokenised"""
    vocabulary: Path
    held_out: int
    """the first so many training scenes, which no run trains on"""
    rollouts: int
    """as many as training will use: the reward depends on it"""
    reward: str
    """scene, rollout or subgroup"""
    challenge: int
    top_k: int
    temperature: float
    seed: int
    out: Path
    """JSON: mean, deviation, scenes"""
    subgroup: int | None = None
    """rollouts scored together, where they are in subgroups"""
    device: str = "cuda" if torch.cuda.is_available() else "cpu"


def main(args: Args) -> None:
    """The mean reward over the held-out scenes; α is that and an offset of the recipe.

    The paper's 0.77 lies close to the mean reward of its SFT policy; the meta-metric's level
    depends on data, challenge year and number of rollouts, so the rule travels and the number
    does not.
    """
    check_device(args.device)
    store, tokens = ScenarioStore(args.scenarios), TokenStore(args.tokens)
    vocabulary = Vocabulary.read(args.vocabulary).to(torch.device(args.device))
    sampling = Sampling(args.top_k, args.temperature)
    system = trained(args.recipe, args.weights, vocabulary, args.rollouts, sampling, args.seed)
    sets = scored_together(args.reward, args.rollouts, args.subgroup)
    rewards = []
    for row in tqdm(range(args.held_out), desc="held-out scenes", unit="scenario"):
        reference = LogReference.of(store[row], Challenge.of(args.challenge), device=args.device)
        statistics = rollout_statistics(reference, system(store[row], tokens[row]))
        scores = score_subsets(reference, statistics, sets)
        rewards.append(scores.metametric.double().mean().cpu())
    mean, deviation = torch.stack(rewards).mean().item(), torch.stack(rewards).std().item()
    write_json(args.out, {"mean": mean, "deviation": deviation, "scenes": len(rewards)})
