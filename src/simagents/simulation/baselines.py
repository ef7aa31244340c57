"""Simulators that learn nothing: what any learned one has to beat, and what none can."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from simagents.models.action import TokenActions
from simagents.models.batch import Paths, SceneBatch
from simagents.models.distribution import TokenDistribution
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS, Scenario
from simagents.tokens.vocabulary import Vocabulary

Trajectories = Float32[np.ndarray, "R A 80 4"]


class RandomTokens:
    """The `Policy` that knows nothing: every token of the class is equally likely."""

    def __init__(self, vocabulary: Vocabulary):
        self.actions = TokenActions(vocabulary)

    def __call__(self, scenes: SceneBatch, paths: Paths) -> TokenDistribution:
        agent_class = scenes.agent_class[paths.agent]
        return TokenDistribution(
            self._logits(agent_class)[:, None].expand(-1, paths.token.shape[1] - 2, -1)
        )

    def begin(self, scenes: SceneBatch, paths: Paths) -> Tensor:
        return self._logits(scenes.agent_class[paths.agent])

    def branch(self, state: Tensor, paths: Paths) -> Tensor:
        return state.index_select(0, paths.agent)

    def observe(
        self,
        state: Tensor,
        token: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        valid: Bool[Tensor, "N"],
    ) -> tuple[Tensor, TokenDistribution]:
        return state, TokenDistribution(state)

    def _logits(self, agent_class: Tensor) -> Tensor:
        absent = self.actions.vocabulary.absent[agent_class]
        return torch.zeros(absent.shape, device=absent.device).masked_fill(absent, -torch.inf)


def constant_velocity(scenario: Scenario, rollouts: int) -> Trajectories:
    """Everyone keeps the velocity and heading of the current step."""
    rows = scenario.simulated
    seconds = (np.arange(SIMULATED, dtype=np.float32) + 1)[:, None] * np.float32(STEP_SECONDS)
    position = (
        scenario.position[rows, CURRENT, None, :2]
        + scenario.velocity[rows, CURRENT, None] * seconds
    )
    return _joint(
        position,
        np.broadcast_to(scenario.position[rows, CURRENT, None, 2], position.shape[:2]),
        np.broadcast_to(scenario.heading[rows, CURRENT, None], position.shape[:2]),
        rollouts,
    )


def log_playback(scenario: Scenario, rollouts: int) -> Trajectories:
    """What really happened, the metric's ceiling; where the log lost an agent it stands still."""
    rows, steps = scenario.simulated, np.arange(CURRENT + 1, CURRENT + 1 + SIMULATED)
    # The last valid step up to each step, from the current one on.
    seen = np.where(
        scenario.valid[np.ix_(rows, np.arange(CURRENT, steps[-1] + 1))],
        np.arange(CURRENT, steps[-1] + 1),
        0,
    )
    last = np.maximum.accumulate(seen, axis=1)[:, 1:]
    position = scenario.position[rows[:, None], last]
    return _joint(
        position[..., :2], position[..., 2], scenario.heading[rows[:, None], last], rollouts
    )


def _joint(
    position: np.ndarray, height: np.ndarray, heading: np.ndarray, rollouts: int
) -> np.ndarray:
    one = np.concatenate([position, height[..., None], heading[..., None]], axis=-1).astype(
        np.float32
    )
    return np.broadcast_to(one, (rollouts, *one.shape)).copy()
