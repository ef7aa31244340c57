"""The mean reward of a policy on held-out training scenes, to which thresholds are relative."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from simagents.config.calibration import Calibration
from simagents.config.keys import read_as
from simagents.device import check_device
from simagents.errors import InputError
from simagents.evaluation.systems import trained
from simagents.files import read_object, write_json
from simagents.rewards.reward import build_reward
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
    settings: str
    """JSON: reward, sampling, rollouts, held_out, seed"""
    out: Path
    """JSON: mean, deviation, and the number of scenes that they are of"""
    tokens: list[Path] | None = None
    """the same shards, tokenised; for models that read tokens"""
    vocabulary: Path | None = None
    """of the tokens"""
    device: str = "cuda" if torch.cuda.is_available() else "cpu"


def main(args: Args) -> None:
    """The mean reward over the held-out scenes; α is this mean plus an offset of the recipe.

    Held-out scenes that the metric cannot score are counted on stderr and left out.
    The paper's 0.77 is close to the mean reward of its SFT policy. The meta-metric's level depends on
    data, challenge year and number of rollouts, so the rule can be reused elsewhere and the number
    cannot.
    """
    check_device(args.device)
    settings = read_as(Calibration, read_object(args.settings, "--settings", dict), "--settings")
    device = torch.device(args.device)
    store = ScenarioStore(args.scenarios)
    tokens = TokenStore(args.tokens) if args.tokens else None
    vocabulary = Vocabulary.read(args.vocabulary).to(device) if args.vocabulary else None
    system = trained(
        args.recipe, args.weights, vocabulary, settings.rollouts, settings.sampling,
        settings.seed, device,
    )  # fmt: skip
    reward = build_reward(settings.reward)
    if len(store) < settings.held_out:
        raise InputError(
            f"{len(store)} training scenes cannot have {settings.held_out} held out; give more."
        )
    rows, left_out = store.scorable(range(settings.held_out), "held-out scenes", "calibration")
    if left_out:
        print(left_out, file=sys.stderr)
    means = []
    for row in tqdm(rows.tolist(), desc="held-out scenes", unit="scenario"):
        scenario, scene = store[row], None if tokens is None else tokens[row]
        rewards = reward([scenario], [system(scenario, scene)])
        means.append(rewards.total.double().mean().cpu())
    mean, deviation = torch.stack(means).mean().item(), torch.stack(means).std().item()
    write_json(args.out, {"mean": mean, "deviation": deviation, "scenes": len(means)})
