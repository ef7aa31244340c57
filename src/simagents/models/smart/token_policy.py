"""The log as tokens: the common part of all policies that act by a motion vocabulary."""

from dataclasses import replace

from jaxtyping import Bool, Float
from torch import Tensor

from simagents.models.paths import LoggedStates, Paths, Worlds
from simagents.models.scenes import SceneBatch
from simagents.models.smart.actions import TokenActions
from simagents.tokens.chain import token_chain
from simagents.tokens.noise import AmongNearest
from simagents.tokens.vocabulary import HISTORY_TOKENS, SUBSTEPS, TOKEN_STEPS, Vocabulary


def logged_states(scenes: SceneBatch) -> LoggedStates:
    """The cleaned log at the ends of tokens."""
    tokens = scenes.representation
    return LoggedStates(tokens.logged, tokens.logged_valid, tokens.in_range)


def logged_paths(scenes: SceneBatch) -> Paths:
    """The log's token chains, invalid beyond training's range; one world for each scene."""
    tokens = scenes.representation
    valid = tokens.valid & tokens.in_range[:, 1:] & tokens.in_range[:, :-1]
    return _chains(scenes, Worlds.of(scenes, 1), TOKEN_STEPS, valid)


def history_paths(scenes: SceneBatch, worlds: Worlds) -> Paths:
    """The two history tokens of every row, however far the agents are."""
    return _chains(scenes, worlds, HISTORY_TOKENS, scenes.representation.valid)


def _chains(scenes: SceneBatch, worlds: Worlds, steps: int, valid: Bool[Tensor, "A T"]) -> Paths:
    tokens, agent = scenes.representation, worlds.agent
    velocity = scenes.velocity[:, SUBSTEPS::SUBSTEPS]
    return Paths(
        agent=agent,
        world=worlds.world,
        history=HISTORY_TOKENS,
        action=tokens.token[agent, :steps],
        pose=tokens.pose[agent, :steps],
        velocity=velocity[agent, :steps],
        valid=valid[agent, :steps],
    )


class TokenPolicy:
    """The part of a `Policy` that reads the `TokenBatch` of a batch of scenes."""

    history = HISTORY_TOKENS
    latent_draws = 0
    logged_states = staticmethod(logged_states)
    logged_paths = staticmethod(logged_paths)
    history_paths = staticmethod(history_paths)

    def __init__(self, vocabulary: Vocabulary):
        self.actions = TokenActions(vocabulary)

    def noisy_paths(
        self, scenes: SceneBatch, top_k: int, temperature: float, uniform: Float[Tensor, "A T"]
    ) -> Paths:
        """Chains that stray: each token is drawn among the `top_k` nearest to the log (`noise.py`)."""
        tokens = scenes.representation
        action, pose, _ = token_chain(
            self.actions.vocabulary, scenes.agent_class, tokens.logged, tokens.logged_valid,
            AmongNearest(top_k, temperature, uniform),
        )  # fmt: skip
        return replace(logged_paths(scenes), action=action, pose=pose)
