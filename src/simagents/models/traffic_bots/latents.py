"""What an agent keeps to during a rollout: its personality and its destination."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.models.distribution import Categorical, Gaussian
from simagents.models.nearby.map_encoder import EncodedMap
from simagents.models.nearby.moments import Moments
from simagents.models.nearby.observer import Observer, Surroundings
from simagents.models.perceptrons import mlp_head
from simagents.models.traffic_bots.destination import Candidates, DestinationLogits
from simagents.models.traffic_bots.exact_gru import ExactGRU


@dataclass(frozen=True)
class Latents:
    """Of N rows of a simulation."""

    personality: Float[Tensor, "N Z"]
    destination: Int64[Tensor, "N"]
    """row of the map; the last one for none"""


@dataclass(frozen=True)
class Prior:
    """What the history says about the latents of A agents."""

    personality: Gaussian
    destination: Categorical
    """over the candidates"""
    candidates: Candidates

    def drawn(self, agent: Int64[Tensor, "N"], uniform: Float64[Tensor, "N _"]) -> Latents:
        """The latents that these numbers in [0, 1) decide, of each row's agent."""
        personality = self.personality.rows(agent).sample(uniform[:, :-1])
        place = self.destination.rows(agent).sample(uniform[:, -1:].double())
        return Latents(personality, self.candidates.row[agent].gather(1, place[:, None])[:, 0])

    def mode(self, agent: Int64[Tensor, "N"]) -> Latents:
        """The likeliest latents."""
        destination = self.candidates.chosen(self.destination.mode())
        return Latents(self.personality.mode()[agent], destination[agent])


class LatentEncoder(nn.Module):
    """Prior of the latents from the history, posterior of the personality from the whole log.

    It has an observer of its own. So fine-tuning that trains the policy's parts alone changes no latent, and
    one uniform number means the same personality and destination to the policy and to its reference.
    """

    def __init__(self, settings: TrafficBotsSettings):
        super().__init__()
        width, latent = settings.width, settings.latent_width
        self.radius = settings.destination_radius
        self.observer = Observer(settings)
        self.past, self.whole = ExactGRU(width, width), ExactGRU(width, width)
        self.prior_head = mlp_head(width, width, 2 * latent)
        self.posterior_head = mlp_head(2 * width, width, 2 * latent)
        self.destination = DestinationLogits(settings)

    def observe(self, log: Moments, around: Surroundings, encoded: EncodedMap) -> Tensor:
        """Looks [T, A, D] along the log, zero where an agent is not seen."""
        features = self.observer(log, around, encoded, self.observer.memories(encoded))
        return features * log.valid[..., None]

    def prior(
        self,
        features: Float[Tensor, "H A D"],
        pose: Float[Tensor, "A 3"],
        scene: Int64[Tensor, "A"],
        around: Surroundings,
        encoded: EncodedMap,
    ) -> Prior:
        """From the features of the history; `pose` is that of the current step."""
        state = self.past(features)[0][-1]
        candidates = Candidates.of(encoded.pieces, scene, pose, around.agent_class, self.radius)
        logits = self.destination(state, pose, candidates, encoded)
        return Prior(_gaussian(self.prior_head(state)), Categorical(logits), candidates)

    def posterior(self, features: Float[Tensor, "T A D"], valid: Bool[Tensor, "T A"]) -> Gaussian:
        """Of the personality, from the features of the whole log."""
        states = self.whole(features)[0]
        most = states.masked_fill(~valid[..., None], -torch.inf).amax(dim=0)
        return _gaussian(self.posterior_head(torch.cat([states[-1], most], dim=-1)))


def _gaussian(numbers: Float[Tensor, "A _"]) -> Gaussian:
    """Deviations between e^-3 and e^3, near 1 at the start."""
    mean, raw = numbers.float().chunk(2, dim=-1)
    return Gaussian(mean, 3 * (raw / 3).tanh())
