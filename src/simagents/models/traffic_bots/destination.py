"""Destinations: pieces of the map that agents may head for."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.geometry import unit_vector
from simagents.models.map_pieces import MapPieces
from simagents.models.nearby.map_encoder import EncodedMap
from simagents.models.nearby.relations import RelativePose
from simagents.scenarios.agent_class import CLASSES
from simagents.scenarios.scenario import MapKind

NEAR = 5.0
"""Metres from a log's end to its destination at most; farther ends have none."""
_TURN = 2.0
"""Metres that count as much as a right angle between an agent and a piece. Lanes cross in junctions."""


@dataclass(frozen=True)
class Candidates:
    """The pieces among which each of A agents has its destination; the first place is none of them."""

    row: Int64[Tensor, "A C"]
    """rows of the map"""
    allowed: Bool[Tensor, "A C"]

    @staticmethod
    def of(
        pieces: MapPieces,
        scene: Int64[Tensor, "A"],
        pose: Float[Tensor, "A 3"],
        agent_class: Int64[Tensor, "A"],
        radius: float,
    ) -> "Candidates":
        """Pieces of the agent's scene within the radius; lanes alone except for pedestrians."""
        row, exists = pieces.of_scene[scene], pieces.exists[scene]
        near = (pieces.anchor[row] - pose[:, None, :2]).norm(dim=-1) < radius
        on_foot = agent_class == CLASSES.index("pedestrian")
        fits = on_foot[:, None] | (pieces.kind[row] == MapKind.LANE)
        none = torch.full_like(row[:, :1], len(pieces.anchor) - 1)
        allowed = torch.cat([torch.ones_like(exists[:, :1]), exists & near & fits], dim=1)
        return Candidates(torch.cat([none, row], dim=1), allowed)

    def nearest(self, pieces: MapPieces, end: Float[Tensor, "A 3"]) -> Int64[Tensor, "A"]:
        """The place of the candidate nearest to each pose, by nodes and direction; 0 where none is near."""
        node = pieces.node[self.row[:, 1:]]
        away = (node - end[:, None, None, :2]).norm(dim=-1).amin(dim=-1)
        along = (pieces.direction[self.row[:, 1:]] * unit_vector(end[:, 2])[:, None]).sum(dim=-1)
        directed = pieces.direction[self.row[:, 1:]].any(dim=-1)
        cost = away + _TURN * (1 - along) * directed
        cost = cost.masked_fill(~self.allowed[:, 1:] | (away > NEAR), torch.inf)
        least, place = cost.min(dim=-1)
        return torch.where(least.isfinite(), place + 1, 0)

    def chosen(self, place: Int64[Tensor, "A"]) -> Int64[Tensor, "A"]:
        """The map's row of that candidate of each agent."""
        return self.row.gather(1, place[:, None]).squeeze(1)


class DestinationLogits(nn.Module):
    """How likely each candidate is: a perceptron on agent, piece and relative pose."""

    def __init__(self, settings: TrafficBotsSettings):
        super().__init__()
        width = settings.width
        self.relation = RelativePose(width, settings.bands)
        self.of_relation = nn.Linear(width, width, bias=False)
        self.of_piece = nn.Linear(width, width, bias=False)
        self.of_agent = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        self.none = nn.Linear(width, 1)

    def forward(
        self,
        agent: Float[Tensor, "A D"],
        pose: Float[Tensor, "A 3"],
        candidates: Candidates,
        encoded: EncodedMap,
    ) -> Float[Tensor, "A C"]:
        """-inf for what is not allowed."""
        row, pieces = candidates.row[:, 1:], encoded.pieces
        relation = self.relation(pose[:, :2], pose[:, 2], pieces.anchor[row], pieces.direction[row])
        hidden = self.of_relation(relation) + self.of_piece(encoded.embedding)[row]
        hidden = torch.relu(hidden + self.of_agent(agent)[:, None])
        logits = torch.cat([self.none(agent), self.out(hidden).squeeze(-1)], dim=1)
        return logits.float().masked_fill(~candidates.allowed, -torch.inf)
