"""What all policies that act by motion tokens have in common: the log as tokens."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.models.paths import LoggedStates, Paths, Worlds
from simagents.models.scenes import SceneBatch
from simagents.models.smart.actions import TokenActions
from simagents.tokens.chain import token_chain
from simagents.tokens.noise import AmongNearest
from simagents.tokens.vocabulary import HISTORY_TOKENS, SUBSTEPS, Vocabulary


class TokenPolicy:
    """The part of a `Policy` that reads the `TokenBatch` of a batch of scenes."""

    history = HISTORY_TOKENS
    latent_draws = 0

    def __init__(self, vocabulary: Vocabulary):
        self.actions = TokenActions(vocabulary)

    def logged_states(self, scenes: SceneBatch) -> LoggedStates:
        """The cleaned log at the ends of tokens."""
        tokens = scenes.representation
        return LoggedStates(tokens.logged, tokens.logged_valid, tokens.in_range)

    def logged_paths(self, scenes: SceneBatch) -> Paths:
        """The log's token chains, without what is out of training's range."""
        tokens = scenes.representation
        agents = torch.arange(len(scenes.agent_scene), device=scenes.device)
        valid = tokens.valid & tokens.in_range[:, 1:] & tokens.in_range[:, :-1]
        return self._paths(scenes, Worlds(agents, scenes.agent_scene, 1), valid=valid)

    def noisy_paths(
        self,
        scenes: SceneBatch,
        top_k: int,
        temperature: float,
        uniform: Float[Tensor, "A T"],
    ) -> Paths:
        """Chains that stray: each token is drawn among the `top_k` nearest to the log (`noise.py`)."""
        tokens, paths = scenes.representation, self.logged_paths(scenes)
        action, pose, _ = token_chain(
            self.actions.vocabulary, scenes.agent_class, tokens.logged, tokens.logged_valid,
            AmongNearest(top_k, temperature, uniform),
        )  # fmt: skip
        return replace(paths, action=action, pose=pose)

    def history_paths(self, scenes: SceneBatch, worlds: Worlds) -> Paths:
        """The two history tokens of every row."""
        return self._paths(scenes, worlds, steps=HISTORY_TOKENS)

    def _paths(
        self,
        scenes: SceneBatch,
        worlds: Worlds,
        steps: int | None = None,
        valid: Tensor | None = None,
    ) -> Paths:
        tokens, agent = scenes.representation, worlds.agent
        valid = tokens.valid if valid is None else valid
        velocity = scenes.velocity[:, SUBSTEPS::SUBSTEPS]
        past = slice(0, steps)
        return Paths(
            agent=agent,
            world=worlds.world,
            history=HISTORY_TOKENS,
            action=tokens.token[agent, past],
            pose=tokens.pose[agent, past],
            velocity=velocity[agent, past],
            valid=valid[agent, past],
        )
