"""Anything that can be scored: a trained run, a policy without weights, a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from simagents.config.algorithms import Sampling
from simagents.config.keys import read_as
from simagents.config.models import ModelSettings
from simagents.config.recipe import Recipe
from simagents.errors import InputError, unknown_value
from simagents.models.families import SceneReader, build_policy
from simagents.models.policy import Policy
from simagents.models.scenes import SceneBatch, collate
from simagents.models.smart.random_tokens import RandomTokens
from simagents.models.smart.scenes import token_batch
from simagents.scenarios.scenario import Scenario
from simagents.simulation.choice import Sample
from simagents.simulation.controller import Assignment, Controller
from simagents.simulation.policy_controller import PolicyController
from simagents.simulation.rules import RULES
from simagents.simulation.simulator import simulate
from simagents.tokens.scene import TokenScene
from simagents.tokens.vocabulary import Vocabulary

Goals = Float64[np.ndarray, "A 2"]


@runtime_checkable
class System(Protocol):
    """Simulates one scenario R times."""

    controller: Controller
    """what moves the agents; its draws in a scene repeat after R worlds"""
    read: Callable[[Scenario, TokenScene | None, Goals | None], SceneBatch]
    """a scenario as the controller reads it"""

    def __call__(
        self, scenario: Scenario, scene: TokenScene | None, goals: Goals | None = None
    ) -> Float32[Tensor, "R A 80 4"]:
        """x, y, z, heading in the world frame. `goals` are those of `scenarios.goals`; systems that
        read none ignore them."""
        ...


BASELINES = (*RULES, "random_tokens")


def baseline(
    name: str,
    vocabulary: Vocabulary | None,
    rollouts: int,
    seed: int,
    device: torch.device,
) -> System:
    """A system that needs no training, by name; only `random_tokens` needs a vocabulary."""
    _check_rollouts(rollouts)
    if name in RULES:
        rule = RULES[name](seed, rollouts)
        with_map = getattr(rule, "reads_map", False)
        return _Controlled(
            rule, lambda scenario, *_: collate([scenario], with_map=with_map), rollouts, device
        )
    if name != "random_tokens":
        raise unknown_value(name, "--baseline", BASELINES)
    if vocabulary is None:
        raise InputError("baseline `random_tokens` needs --vocabulary and --tokens.")
    everything = Sampling(top_k=0, temperature=1.0)
    return _Controlled(
        _sampling(RandomTokens(vocabulary), everything, seed, rollouts),
        lambda scenario, scene, _: collate([scenario], representation=token_batch([scene])),
        rollouts,
        device,
    )


def named(
    recipe: Path | None,
    weights: Path | None,
    name: str | None,
    vocabulary: Vocabulary | None,
    rollouts: int,
    sampling: Sampling,
    seed: int,
    device: torch.device,
) -> System:
    """The run or the baseline that a command line names. Raises InputError where it names both, or none."""
    if name and (recipe or weights):
        raise InputError("give --recipe and --weights of a run, or --baseline, and not both.")
    if name:
        return baseline(name, vocabulary, rollouts, seed, device)
    if not (recipe and weights):
        raise InputError("give --recipe and --weights of a run, or --baseline.")
    return trained(recipe, weights, vocabulary, rollouts, sampling, seed, device)


def trained(
    recipe: Path,
    weights: Path,
    vocabulary: Vocabulary | None,
    rollouts: int,
    sampling: Sampling,
    seed: int,
    device: torch.device,
) -> System:
    """The policy of a run."""
    content = Recipe.read(recipe)
    policy = build_policy(content, vocabulary, weights).to(device).eval()
    return of_policy(policy, content.model, rollouts, sampling, seed, device)


def of_policy(
    policy: Policy,
    settings: ModelSettings,
    rollouts: int,
    sampling: Sampling,
    seed: int,
    device: torch.device,
) -> System:
    """Rollouts of a policy of that family. Raises InputError for less than one."""
    _check_rollouts(rollouts)
    reader = SceneReader(settings)
    return _Controlled(
        _sampling(policy, sampling, seed, rollouts),
        lambda scenario, scene, goals: reader(
            [scenario],
            None if scene is None else [scene],
            goals=None if goals is None else [goals],
        ),
        rollouts,
        device,
    )


def draws_of(top_k: int, temperature: float) -> Sampling:
    """How actions are drawn, from options of a command line. Raises InputError, naming the option."""
    return read_as(Sampling, {"top_k": top_k, "temperature": temperature}, "")


def _check_rollouts(rollouts: int) -> None:
    if rollouts < 1:
        raise InputError(f"--rollouts is {rollouts} and must be at least 1.")


def _sampling(policy: Policy, sampling: Sampling, seed: int, rollouts: int) -> Controller:
    return PolicyController(policy, lambda draws: Sample(draws, sampling), seed, rollouts)


@dataclass(frozen=True)
class _Controlled:
    """One controller that moves every agent. Every scenario is simulated on its own, so that a
    rollout's numbers do not depend, not even in rounding, on what else is evaluated."""

    controller: Controller
    read: Callable[[Scenario, TokenScene | None, Goals | None], SceneBatch]
    """a scenario as the controller reads it"""
    rollouts: int
    device: torch.device

    def __call__(
        self, scenario: Scenario, scene: TokenScene | None, goals: Goals | None = None
    ) -> Tensor:
        scenes = self.read(scenario, scene, goals).to(self.device)
        everyone = torch.ones(len(scenes.agent_scene), dtype=torch.bool, device=self.device)
        (trajectories,) = simulate(scenes, self.rollouts, [Assignment(self.controller, everyone)])
        return trajectories
