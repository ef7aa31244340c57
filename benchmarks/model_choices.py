"""Choices of rolled-out agents that cost what they do in training, and then follow the log."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from simagents.config.algorithms import Sampling
from simagents.models.distribution import Distribution
from simagents.models.paths import AgentState, Worlds
from simagents.models.scenes import SceneBatch
from simagents.models.smart.network import Smart
from simagents.simulation.choice import Choice, Chosen, ClosestAmongTop, Sample
from simagents.simulation.draws import DrawKeys

TOP_K = 32
LEADERBOARD = Sampling(top_k=48, temperature=1.0)

ChoiceOf = Callable[[DrawKeys], Choice]


@dataclass(frozen=True)
class Following:
    """Makes another choice, then takes the log's token; agents that the log loses stand still."""

    choice: Choice
    token: torch.Tensor

    def __call__(self, distribution: Distribution, action: int, state: AgentState) -> Chosen:
        self.choice(distribution, action, state)
        return self.token[:, action], None


def following(choice_of: ChoiceOf, scenes: SceneBatch, rollouts: int) -> ChoiceOf:
    """That choice, followed by the log's tokens, for so many rollouts of every scene."""
    tokens = scenes.representation
    token = torch.where(tokens.valid, tokens.token, 0)[Worlds.of(scenes, rollouts).agent]
    return lambda draws: Following(choice_of(draws), token)


def sampled(scenes: SceneBatch, rollouts: int) -> ChoiceOf:
    """Draws among the likeliest, as for the leaderboard."""
    return following(lambda draws: Sample(draws, LEADERBOARD), scenes, rollouts)


def closest(policy: Smart, scenes: SceneBatch) -> ChoiceOf:
    """CAT-K's choice."""
    choice = ClosestAmongTop(TOP_K, policy.actions, policy.logged_states(scenes))
    return following(lambda _: choice, scenes, 1)
