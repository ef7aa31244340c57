"""The random numbers of a rollout, by their keys."""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from simagents.counter import key_of, uniform
from simagents.models.paths import Worlds
from simagents.models.scenes import SceneBatch

_LATENT = 2**32 - 1
"""Key of latents, where draws of actions have the number of the action."""


class DrawKeys:
    """The coordinates of every row's draws: (seed, scenario, rollout, action, agent).

    `seed` is one for all scenes, or one for each. A draw does not depend on what else is simulated.
    Worlds of a scene whose numbers differ by a multiple of `rollouts` have the same draws, so that
    they can be compared; None: all of them differ.
    """

    def __init__(
        self,
        seed: int | np.ndarray,
        scenes: SceneBatch,
        worlds: Worlds,
        rollouts: int | None = None,
    ):
        scene = scenes.agent_scene[worlds.agent].cpu().numpy()
        first_agent = np.searchsorted(scenes.agent_scene.cpu().numpy(), np.arange(scenes.scenes))
        keys = np.array([key_of(name) for name in scenes.ids], dtype=np.uint64)
        self.seed = np.broadcast_to(np.asarray(seed, np.uint64), scenes.scenes)[scene]
        self.key = keys[scene]
        self.rollout = worlds.world.cpu().numpy() % worlds.rollouts % (rollouts or worlds.rollouts)
        self.agent = worlds.agent.cpu().numpy() - first_agent[scene]
        self.device = worlds.world.device

    def uniform(self, action: int, draws: int = 1) -> Float64[Tensor, "N draws"]:
        """Numbers in [0, 1) for the action of that number of every row."""
        first = uniform(self.seed, self.key, self.rollout, action, self.agent)
        others = [
            uniform(self.seed, self.key, self.rollout, action, self.agent, draw)
            for draw in range(1, draws)
        ]
        return torch.from_numpy(np.stack([first, *others], axis=-1)).to(self.device)

    def latent(self, draws: int) -> Float64[Tensor, "N draws"]:
        """Numbers in [0, 1) for the latents of every row's rollout."""
        return self.uniform(_LATENT, draws)
