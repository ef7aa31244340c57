"""An agent's memory of its path, and what it decides from it."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.geometry import unit_vector
from simagents.models.nearby.map_encoder import EncodedMap
from simagents.models.nearby.moments import Moments
from simagents.models.nearby.observer import Surroundings
from simagents.models.nearby.relations import RelativePose
from simagents.models.traffic_bots.exact_gru import ExactGRU
from simagents.models.traffic_bots.latents import Latents
from simagents.scenarios.agent_class import CLASSES

_FIRST_DEVIATION = 0.05
"""Standard deviation of the controls before training, in shares of their limits."""


@dataclass(frozen=True)
class Looks:
    """The last look around of every agent at each moment, as the memory reads it."""

    seen: Float[Tensor, "T N D"]
    """what it saw, and its body"""
    place: Float[Tensor, "T N 2"]
    """where it looked from"""
    heading: Float[Tensor, "T N"]
    axes: Float[Tensor, "T N 2 2"]
    """unit vectors along the heading and to its left; zero without a look"""

    def rows(self, which: Int64[Tensor, "n"]) -> "Looks":
        """Some agents, perhaps several times."""
        return Looks(*(getattr(self, each.name).index_select(1, which) for each in fields(self)))

    @property
    def last(self) -> "Looks":
        """At the last moment."""
        return Looks(*(getattr(self, each.name)[-1:] for each in fields(self)))

    def held(self, every: int, before: int, moments: int) -> "Looks":
        """Each look until the next, `every` moments later; `before` the first one there is none."""

        def of(looks: Tensor) -> Tensor:
            long = looks.repeat_interleave(every, dim=0)[: moments - before]
            return torch.cat([torch.zeros_like(looks[:1]).expand(before, *looks.shape[1:]), long])

        return Looks(*(of(getattr(self, each.name)) for each in fields(self)))


class Memory(nn.Module):
    """A recurrent unit at 10 Hz: reads an agent's own state, its last look, and its way since then."""

    def __init__(self, settings: TrafficBotsSettings):
        super().__init__()
        width = settings.width
        self.of_look = nn.Linear(width + 3 + len(CLASSES), width)
        self.of_own = nn.Linear(7, width)
        self.unit = ExactGRU(width, width)
        # 10 m/s, 2 m/s², 0.5 rad/s, 5 m, 1 m, sine and cosine
        units = torch.tensor([0.1, 0.5, 2.0, 0.2, 1.0, 1.0, 1.0])
        self.register_buffer("per_unit", units, persistent=False)

    def looks(self, at: Moments, around: Surroundings, features: Float[Tensor, "T N D"]) -> Looks:
        """What the memory reads of these looks, until the next ones."""
        body = around.body.expand(len(features), -1, -1)
        valid = at.valid[..., None]
        seen = self.of_look(torch.cat([features * valid, body], dim=-1))
        ahead = unit_vector(at.heading) * valid
        left = torch.stack([-ahead[..., 1], ahead[..., 0]], dim=-1)
        return Looks(seen, at.place, at.heading, torch.stack([ahead, left], dim=-2))

    def forward(
        self, now: Moments, looks: Looks, before: Float[Tensor, "1 N D"] | None = None
    ) -> tuple[Float[Tensor, "T N D"], Float[Tensor, "1 N D"]]:
        """The state after each moment, and the last one. Of moments that are not valid it reads nothing."""
        way = ((now.place - looks.place)[..., None, :] * looks.axes).sum(dim=-1)
        turned = (now.heading - looks.heading)[..., None]
        own = torch.cat(
            [now.speed[..., None], now.changes, way, turned.sin(), turned.cos()], dim=-1
        )
        read = torch.relu(self.of_own(own * self.per_unit) + looks.seen)
        if len(read) > 1:  # a single moment is one of a simulation, where all agents are there
            read = read * now.valid[..., None]
        return self.unit(read, before)


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
        self.mean, self.spread = nn.Linear(width, 2), nn.Linear(width, 2)
        with torch.no_grad():
            for layer in (self.mean, self.spread):
                layer.weight.mul_(0.1)
                layer.bias.zero_()

    def aim(
        self,
        place: Float[Tensor, "T N 2"],
        heading: Float[Tensor, "T N"],
        latents: Latents,
        encoded: EncodedMap,
    ) -> Float[Tensor, "T N W"]:
        """What the latents mean to agents that look from there."""
        pieces, row, moments = encoded.pieces, latents.destination, len(place)
        exists = (row < len(pieces.anchor) - 1)[:, None]
        there, ahead = (
            of[row, None].expand(moments, -1, -1, -1) for of in (pieces.anchor, pieces.direction)
        )
        relation = self.relation(place, heading, there, ahead).squeeze(2)
        constant = torch.cat([latents.personality, encoded.embedding[row] * exists], dim=-1)
        return self.of_latents(
            torch.cat([constant.expand(moments, -1, -1), relation * exists], dim=-1)
        )

    def forward(
        self, states: Float[Tensor, "T N D"], aim: Float[Tensor, "T N W"]
    ) -> Float[Tensor, "T N D"]:
        """Features that the head, and a value head, read."""
        return torch.relu(self.features(torch.relu(self.of_memory(states) + aim)))

    def most_likely(
        self, features: Float[Tensor, "T N D"], limit: Float[Tensor, "N 2"]
    ) -> Float[Tensor, "T N 2"]:
        """Means of the controls, within the limits."""
        return limit * self.mean(features).float().tanh()

    def log_deviation(
        self, features: Float[Tensor, "T N D"], limit: Float[Tensor, "N 2"]
    ) -> Float[Tensor, "T N 2"]:
        """Logarithms of the controls' standard deviations."""
        share = self.least + (_FIRST_DEVIATION - self.least) * self.spread(features).float().exp()
        return (limit * share).log()
