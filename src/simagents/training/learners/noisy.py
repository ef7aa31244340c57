"""Behaviour cloning of logs that are tokenised with noise."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from simagents.algorithms.weights import token_mean
from simagents.config.algorithms import NoisyCloning as NoisyCloningSettings
from simagents.counter import hashed, key_of
from simagents.errors import InputError
from simagents.models.paths import Paths, Worlds
from simagents.models.policy import TrainablePolicy
from simagents.simulation.draws import DrawKeys
from simagents.training.data.batches import Batch
from simagents.training.learners.imitation import (
    back_to_log,
    imitable,
    imitable_actions,
    imitation_loss,
)
from simagents.training.learners.learner import Learner, Stats


@dataclass
class NoisyCloning(Learner):
    """Two augmentations that CAT-K is compared with (arXiv:2412.05334, Table 2).

    In both, the path strays: every token is drawn among the `top_k` nearest to the log. With
    `nearest_k`, the noisy tokenisation of Trajeglish, the target is the token that leads back to
    the log; with `perturbed`, the trajectory perturbation of SMART, it is the path's own next one.
    The draws of a scene differ each time that it is seen.
    """

    policy: TrainablePolicy
    model: nn.Module
    seed: int
    settings: NoisyCloningSettings

    def __post_init__(self) -> None:
        if not hasattr(self.model, "noisy_paths"):
            raise InputError("noisy_bc: this model family has no noisy paths; choose bc.")

    def counts(self, batch: Batch) -> int:
        return imitable_actions(self.model, batch)

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        scenes = batch.scenes
        paths = self._strayed(batch)
        target = paths.chosen
        if self.settings.noise == "nearest_k":
            target = back_to_log(self.model, scenes, paths)
        weight = token_mean(imitable(scenes, paths), total)
        smoothing = self.settings.label_smoothing
        return imitation_loss(self.policy(scenes, paths), target, weight, smoothing)

    def _strayed(self, batch: Batch) -> Paths:
        scenes = batch.scenes
        seed = hashed(self.seed, key_of("noise"), batch.places)
        draws = DrawKeys(seed, scenes, Worlds.of(scenes, 1))
        steps = self.model.logged_paths(scenes).action.shape[1]
        uniform = torch.cat([draws.uniform(step) for step in range(steps)], dim=1)
        settings = self.settings
        return self.model.noisy_paths(scenes, settings.top_k, settings.temperature, uniform)
