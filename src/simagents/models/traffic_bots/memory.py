"""An agent's memory of its path, and what it decides from it."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.models.traffic_bots.actions import direction
from simagents.models.traffic_bots.latents import Latents
from simagents.models.traffic_bots.map_encoder import EncodedMap
from simagents.models.traffic_bots.observer import OWN, Moments, Surroundings, own_features
from simagents.models.traffic_bots.relations import RelativePose

_FIRST_DEVIATION = 0.05
"""Standard deviation of the controls before training, in shares of their limits."""


@dataclass(frozen=True)
class Looks:
    """The last look around of every agent at each moment."""

    features: Float[Tensor, "T N D"]
    """zero where the agent was not seen at that look"""
    pose: Float[Tensor, "T N 3"]
    """where it looked from"""

    def rows(self, which: Int64[Tensor, "n"]) -> "Looks":
        """Some agents, perhaps several times."""
        return Looks(*(getattr(self, each.name).index_select(1, which) for each in fields(self)))


class Memory(nn.Module):
    """A recurrent unit at 10 Hz: reads an agent's own state, its last look, and its way since then."""

    def __init__(self, settings: TrafficBotsSettings):
        super().__init__()
        width = settings.width
        self.of_look = nn.Linear(width, width)
        self.of_own = nn.Linear(OWN + 4, width)
        self.joined = nn.Linear(width, width)
        self.unit = nn.GRU(width, width)

    def forward(
        self,
        now: Moments,
        around: Surroundings,
        looks: Looks,
        before: Float[Tensor, "1 N D"] | None = None,
    ) -> tuple[Float[Tensor, "T N D"], Float[Tensor, "1 N D"]]:
        """The state after each moment, and the last one."""
        offset, facing = now.pose[..., :2] - looks.pose[..., :2], direction(looks.pose[..., 2])
        ahead = (offset * facing).sum(dim=-1)
        left = offset[..., 1] * facing[..., 0] - offset[..., 0] * facing[..., 1]
        turned = now.pose[..., 2] - looks.pose[..., 2]
        way = torch.stack([ahead / 5, left, turned.cos() - 1, turned.sin()], dim=-1)
        # Nothing is known of an agent that is not seen, and no way from a look that did not see it.
        way = way * looks.features.any(dim=-1, keepdim=True)
        own = torch.cat([own_features(now, around), way], dim=-1)
        joined = torch.relu(self.of_own(own) + self.of_look(looks.features))
        return self.unit(self.joined(joined) * now.valid[..., None], before)


class Decision(nn.Module):
    """Memory, personality and destination -> a normal distribution of the next controls."""

    def __init__(self, settings: TrafficBotsSettings):
        super().__init__()
        width = settings.width
        self.least = settings.least_deviation
        self.relation = RelativePose(width, settings.bands)
        self.of_latents = nn.Linear(settings.latent_width + 2 * width, 2 * width)
        self.of_memory = nn.Linear(width, 2 * width)
        self.features = nn.Linear(2 * width, width)
        self.head = nn.Linear(width, 4)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()

    def aim(
        self, pose: Float[Tensor, "T N 3"], latents: Latents, encoded: EncodedMap
    ) -> Float[Tensor, "T N 2D"]:
        """What the latents mean to agents at these poses."""
        pieces, row, moments = encoded.pieces, latents.destination, len(pose)
        exists = (row < len(pieces.anchor) - 1)[:, None]
        place, ahead = (
            of[row, None].expand(moments, -1, -1, -1) for of in (pieces.anchor, pieces.direction)
        )
        relation = self.relation(pose, place, ahead).squeeze(2)
        constant = torch.cat([latents.personality, encoded.embedding[row] * exists], dim=-1)
        return self.of_latents(
            torch.cat([constant.expand(moments, -1, -1), relation * exists], dim=-1)
        )

    def forward(
        self, states: Float[Tensor, "T N D"], aim: Float[Tensor, "T N 2D"]
    ) -> Float[Tensor, "T N D"]:
        """Features that the head, and a value head, read."""
        return torch.relu(self.features(torch.relu(self.of_memory(states) + aim)))

    def controls(
        self, features: Float[Tensor, "T N D"], limit: Float[Tensor, "N 2"]
    ) -> tuple[Float[Tensor, "T N 2"], Float[Tensor, "T N 2"]]:
        """Means, within the limits, and logarithms of standard deviations."""
        mean, raw = self.head(features).float().chunk(2, dim=-1)
        share = self.least + (_FIRST_DEVIATION - self.least) * raw.exp()
        return limit * mean.tanh(), (limit * share).log()
