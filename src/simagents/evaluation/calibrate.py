"""The mean reward of a policy on held-out training scenes, to which thresholds are relative."""

from dataclasses import dataclass
from pathlib import Path

import torch

from simagents.config.calibration import Calibration
from simagents.config.keys import read_as
from simagents.device import autocast, check_device
from simagents.errors import InputError
from simagents.evaluation.held_out import HeldOutArgs, HeldOutScenes
from simagents.evaluation.systems import trained
from simagents.files import read_object, write_json
from simagents.rewards.reward import build_reward


@dataclass(kw_only=True)
class Args(HeldOutArgs):
    """Measure the mean reward of a run, from which MPO's threshold is an offset."""

    settings: str
    """JSON: reward, sampling, rollouts, held_out, seed"""
    out: Path
    """JSON: mean, deviation, and the number of scenes that they are of"""


def main(args: Args) -> None:
    """The mean reward over the held-out scenes; α is this mean plus an offset of the recipe.

    Held-out scenes that the metric cannot score are counted on stderr and left out.
    The paper's 0.77 is close to the mean reward of its SFT policy. The meta-metric's level depends on
    data, challenge year and number of rollouts, so the rule can be reused elsewhere and the number
    cannot.
    """
    check_device(args.device)
    settings = read_as(Calibration, read_object(args.settings, "--settings", dict), "--settings")
    scenes = HeldOutScenes(args)
    system = trained(
        args.recipe, args.weights, args.vocabulary_there, settings.rollouts, settings.sampling,
        settings.seed, torch.device(args.device),
    )  # fmt: skip
    reward = build_reward(settings.reward)
    if len(scenes) < settings.held_out:
        raise InputError(
            f"{len(scenes)} training scenes cannot have {settings.held_out} held out; give more."
        )
    means = []
    for scenario, scene in scenes.scorable(settings.held_out, "calibration", "held-out scenes"):
        with autocast(args.device, settings.precision):
            rollouts = system(scenario, scene)
        rewards = reward([scenario], [rollouts])
        means.append(rewards.total.double().mean().cpu())
    means = torch.stack(means)
    deviation = means.std().item() if len(means) > 1 else None
    write_json(
        args.out, {"mean": means.mean().item(), "deviation": deviation, "scenes": len(means)}
    )
