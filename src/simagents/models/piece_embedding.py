"""What a piece of the map is, as features: its shape, its kind and its light."""

from jaxtyping import Float
from torch import Tensor, nn

from simagents.models.map_pieces import MapPieces
from simagents.models.perceptrons import mlp_embedding
from simagents.scenarios.scenario import LaneType, LightState, MapKind, RoadEdgeType, RoadLineType

_LABELS = (
    1 + max(MapKind),
    1 + max(max(LaneType), max(RoadLineType), max(RoadEdgeType)),
    1 + max(LightState) - LightState.UNLISTED,
)
"""How many kinds, types and states of lights there are."""


class PieceEmbedding(nn.Module):
    """A base of encoders of the map. Where a piece lies is not part of it."""

    def __init__(self, nodes: int, width: int):
        super().__init__()
        self.shape = mlp_embedding(2 * nodes, width)
        self.labels = nn.ModuleList(nn.Embedding(count, width) for count in _LABELS)

    def embedded(self, pieces: MapPieces) -> Float[Tensor, "Q D"]:
        """The features of every piece, and of the row that is none."""
        x = self.shape(pieces.shape.flatten(1) / 10)
        labels = pieces.kind, pieces.type, pieces.light - LightState.UNLISTED
        for label, embedding in zip(labels, self.labels, strict=True):
            x = x + embedding(label)
        return x
