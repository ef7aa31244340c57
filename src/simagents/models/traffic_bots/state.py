"""What TrafficBots keeps during a rollout."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from simagents.models.nearby.map_encoder import EncodedMap
from simagents.models.nearby.moments import Moments
from simagents.models.nearby.observer import Surroundings
from simagents.models.traffic_bots.latents import Latents, Prior
from simagents.models.traffic_bots.memory import Looks


@dataclass(frozen=True)
class BotState:
    """One simulation. The map and the prior are of scenes and agents; the rest is of its N rows."""

    encoded: EncodedMap
    of_map: list[Float[Tensor, "Q W"]]
    """the observer's keys and values of the map"""
    prior: Prior
    around: Surroundings
    latents: Latents
    now: Moments
    """a single one"""
    looks: Looks
    aim: Float[Tensor, "1 N W"]
    """what the latents mean where the last look was"""
    since: int
    """moments since the last look"""
    memory: Float[Tensor, "1 N D"]

    @property
    def everywhere(self) -> Bool[Tensor, "1 N"]:
        """All agents are there: those of a scene are at the current step, and none leaves."""
        return self.now.valid
