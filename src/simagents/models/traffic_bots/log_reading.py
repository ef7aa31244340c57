"""What a log says about the latents of its agents: the whole of it, and its history alone."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.models.distribution import Gaussian
from simagents.models.nearby.map_encoder import EncodedMap
from simagents.models.nearby.moments import Moments
from simagents.models.nearby.observer import Surroundings
from simagents.models.paths import Paths
from simagents.models.scenes import SceneBatch
from simagents.models.traffic_bots.latents import LatentEncoder, Prior
from simagents.models.traffic_bots.looking import Looking


@dataclass(frozen=True)
class ReadLog:
    """What the latent encoder finds in a log of A agents."""

    posterior: Gaussian
    prior: Prior
    reached: Int64[Tensor, "A"]
    """the candidate where the log ends"""
    destination: Int64[Tensor, "A"]
    """its row of the map"""


@dataclass(frozen=True)
class LogReader:
    """Shows the latent encoder what agents see along their logs; all weights are the encoder's."""

    latents: LatentEncoder
    looking: Looking

    def read(self, scenes: SceneBatch, paths: Paths, encoded: EncodedMap) -> ReadLog:
        """Of paths along the whole log, one for each agent."""
        log, around = Moments.along(paths), Surroundings.along(scenes, encoded, paths)
        looked = log.at(self.looking.among(len(log.speed)))
        features = self.latents.observe(looked, around, encoded)
        prior = self._prior_of(features[: self.looking.past], scenes, paths, around, encoded)
        number = torch.arange(len(log.valid), device=log.valid.device)
        last = (log.valid * number[:, None]).amax(dim=0)
        end = paths.pose[torch.arange(len(last), device=last.device), last]
        reached = prior.candidates.nearest(encoded.pieces, end)
        posterior = self.latents.posterior(features, looked.valid)
        return ReadLog(posterior, prior, reached, prior.candidates.chosen(reached))

    def prior(self, scenes: SceneBatch, past: Paths, encoded: EncodedMap) -> Prior:
        """Of paths along the history, one for each agent."""
        around = Surroundings.along(scenes, encoded, past)
        looked = Moments.along(past).at(self.looking.among(self.looking.history))
        features = self.latents.observe(looked, around, encoded)
        return self._prior_of(features, scenes, past, around, encoded)

    def _prior_of(
        self,
        features: Float[Tensor, "H A D"],
        scenes: SceneBatch,
        paths: Paths,
        around: Surroundings,
        encoded: EncodedMap,
    ) -> Prior:
        pose = paths.pose[:, self.looking.history - 1]
        return self.latents.prior(features, pose, scenes.agent_scene, around, encoded)
