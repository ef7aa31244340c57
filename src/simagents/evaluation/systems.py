"""Anything that can be scored: a trained run, a policy without weights, a rule."""

from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.errors import unknown_key
from simagents.models.batch import collate
from simagents.models.build import build_policy
from simagents.models.distribution import Sampling
from simagents.models.policy import Policy
from simagents.recipe import Recipe
from simagents.scenarios.scenario import Scenario
from simagents.simulation.baselines import RandomTokens, constant_velocity, log_playback
from simagents.simulation.choice import DrawKeys, Sample
from simagents.simulation.rollout import by_scene, roll_out, to_world_frame
from simagents.tokens.scene import TokenScene
from simagents.tokens.vocabulary import Vocabulary

System = Callable[[Scenario, TokenScene], Float32[Tensor, "R A 80 4"]]
"""Simulates one scenario R times: x, y, z, heading in the world frame."""

BASELINES = ("log", "constant_velocity", "random_tokens")


def baseline(
    name: str, vocabulary: Vocabulary, rollouts: int, sampling: Sampling, seed: int
) -> System:
    """A system that needs no training, by name."""
    if name == "log":
        return lambda scenario, _: torch.from_numpy(log_playback(scenario, rollouts))
    if name == "constant_velocity":
        return lambda scenario, _: torch.from_numpy(constant_velocity(scenario, rollouts))
    if name == "random_tokens":
        return of_policy(RandomTokens(vocabulary), rollouts, Sampling(0, 1.0), seed)
    raise unknown_key(name, "--baseline", BASELINES)


def trained(
    recipe: Path,
    weights: Path,
    vocabulary: Vocabulary,
    rollouts: int,
    sampling: Sampling,
    seed: int,
) -> System:
    """The policy of a run."""
    policy = build_policy(Recipe.read(recipe), vocabulary, weights)
    return of_policy(policy.to(vocabulary.motion.device).eval(), rollouts, sampling, seed)


def of_policy(policy: Policy, rollouts: int, sampling: Sampling, seed: int) -> System:
    """Rollouts of a policy, one scenario at a time.

    One scenario is the unit of computation whatever the chunk, so that a rollout's numbers do not
    depend, not even in rounding, on what else is evaluated.
    """
    device = policy.actions.vocabulary.motion.device

    def simulate(scenario: Scenario, scene: TokenScene) -> Tensor:
        scenes = collate([scene]).to(device)
        sampled = roll_out(
            policy,
            scenes,
            rollouts,
            lambda paths: Sample(DrawKeys(seed, [scenario.id], scenes, paths), sampling),
        )
        return to_world_frame(scenario, by_scene(sampled, scenes, rollouts)[0])

    return simulate
