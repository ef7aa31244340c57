"""The encoder of the map, once per scene."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.models.perceptrons import mlp_embedding
from simagents.models.traffic_bots.attention import NearestAttention
from simagents.models.traffic_bots.pieces import MapPieces
from simagents.models.traffic_bots.relations import RelativePose, nearest
from simagents.scenarios.scenario import LaneType, LightState, MapKind, RoadEdgeType, RoadLineType

_LABELS = (
    1 + max(MapKind),
    1 + max(max(LaneType), max(RoadLineType), max(RoadEdgeType)),
    1 + max(LightState) - LightState.UNLISTED,
)
"""How many kinds, types and states of lights there are."""


@dataclass(frozen=True)
class EncodedMap:
    """Pieces, and what is known about each; the last row is no piece."""

    pieces: MapPieces
    embedding: Float[Tensor, "Q D"]


class MapEncoder(nn.Module):
    """Pieces by shape, kind and light, which then attend to their neighbours layer by layer.

    The light of a lane is its state at the current step, and stays: TrafficBots predicts lights, and this
    project holds them everywhere.
    """

    def __init__(self, settings: TrafficBotsSettings):
        super().__init__()
        width = settings.width
        self.neighbours = settings.map_neighbours
        self.shape = mlp_embedding(2 * settings.piece_nodes, width)
        self.labels = nn.ModuleList(nn.Embedding(count, width) for count in _LABELS)
        self.relation = RelativePose(width, settings.bands) if settings.map_layers else None
        self.layers = nn.ModuleList(
            NearestAttention(width, settings.heads) for _ in range(settings.map_layers)
        )

    def forward(self, pieces: MapPieces) -> EncodedMap:
        x = self.shape(pieces.shape.flatten(1) / 10)
        labels = pieces.kind, pieces.type, pieces.light - LightState.UNLISTED
        for label, embedding in zip(labels, self.labels, strict=True):
            x = x + embedding(label)
        if self.layers:
            x = self._related(pieces, x)
        return EncodedMap(pieces, x)

    def _related(self, pieces: MapPieces, x: Tensor) -> Tensor:
        """After attention among the pieces of each scene, itself included."""
        rows, exists = pieces.of_scene, pieces.exists
        at, ahead = pieces.anchor[rows], pieces.direction[rows]
        scenes, most = rows.shape
        others = at[:, None].expand(-1, most, -1, -1).flatten(0, 1)
        there = exists[:, None].expand(-1, most, -1).flatten(0, 1)
        place, present = nearest(at.view(1, -1, 2), others[None], there[None], self.neighbours)
        first = torch.arange(scenes, device=at.device).repeat_interleave(most)[:, None] * most
        source = rows.flatten()[first + place[0]]
        heading = torch.atan2(ahead[..., 1], ahead[..., 0]).flatten()
        relation = self.relation(
            at.flatten(0, 1), heading, pieces.anchor[source], pieces.direction[source]
        )
        kept = rows.flatten()[exists.flatten()]
        relation, source = relation[exists.flatten()], source[exists.flatten()]
        present = present[0][exists.flatten()]
        for layer in self.layers:
            rows_after = layer(x[kept], layer.memory(x)[source], relation, present)
            x = x.index_copy(0, kept, rows_after.to(x.dtype))
        return x
