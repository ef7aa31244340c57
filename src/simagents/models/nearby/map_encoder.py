"""The encoder of the map, once per scene."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.config.models import Nearby
from simagents.models.map_pieces import MapPieces, cut
from simagents.models.nearby.attention import NearestAttention
from simagents.models.nearby.relations import RelativePose, nearest
from simagents.models.piece_embedding import PieceEmbedding
from simagents.models.scenes import SceneBatch


@dataclass(frozen=True)
class EncodedMap:
    """Pieces, and what is known about each; the last row is no piece."""

    pieces: MapPieces
    embedding: Float[Tensor, "Q D"]


class MapEncoder(PieceEmbedding):
    """Pieces by shape, kind and light, which then attend to their neighbours layer by layer.

    The light of a lane is its state at the current step, and stays.
    """

    def __init__(self, settings: Nearby):
        width = settings.width
        super().__init__(settings.piece_nodes, width)
        self.metres, self.nodes = settings.piece_metres, settings.piece_nodes
        self.neighbours = settings.map_neighbours
        self.relation = RelativePose(width, settings.bands) if settings.map_layers else None
        self.layers = nn.ModuleList(
            NearestAttention(width, settings.heads) for _ in range(settings.map_layers)
        )

    def forward(self, scenes: SceneBatch) -> EncodedMap:
        """The scenes' polylines in pieces, after the encoder's layers."""
        pieces = cut(scenes.map, scenes.scenes, self.metres, self.nodes)
        x = self.embedded(pieces)
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
