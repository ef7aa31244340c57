"""The uniform policy over tokens."""

import torch
from jaxtyping import Int64
from torch import Tensor

from simagents.models.distribution import Categorical
from simagents.models.paths import AgentState, Paths
from simagents.models.scenes import SceneBatch
from simagents.models.smart.token_policy import TokenPolicy


class RandomTokens(TokenPolicy):
    """A `Policy` without weights: every token of the agent's class is equally likely."""

    def __call__(self, scenes: SceneBatch, paths: Paths) -> Categorical:
        logits = self._logits(scenes.agent_class[paths.agent])
        steps = paths.action.shape[1] - paths.history
        return Categorical(logits[:, None].expand(-1, steps, -1))

    def begin(self, scenes: SceneBatch) -> tuple[Tensor, Categorical]:
        logits = self._logits(scenes.agent_class)
        return logits, Categorical(logits)

    def branch(
        self, state: Tensor, distribution: Categorical, paths: Paths
    ) -> tuple[Tensor, Categorical]:
        return state.index_select(0, paths.agent), distribution.rows(paths.agent)

    def observe(
        self, state: Tensor, action: Int64[Tensor, "N"], agents: AgentState
    ) -> tuple[Tensor, Categorical]:
        return state, Categorical(state)

    def _logits(self, agent_class: Int64[Tensor, "N"]) -> Tensor:
        absent = self.actions.vocabulary.absent[agent_class]
        return torch.zeros(absent.shape, device=absent.device).masked_fill(absent, -torch.inf)
