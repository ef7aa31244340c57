"""SMART's encoder of the map, computed once per scene."""

from jaxtyping import Float
from torch import Tensor, nn

from simagents.config.models import Smart as SmartSettings
from simagents.models.perceptrons import mlp_embedding
from simagents.models.smart.attention import RelationAttention, folded
from simagents.models.smart.fourier import FourierEmbedding
from simagents.models.smart.neighbours import near_one_another
from simagents.models.smart.relations import looked_up, relations_between
from simagents.models.smart.scenes import TokenBatch
from simagents.tokens.map import LightType, PointType, PolygonType
from simagents.tokens.vocabulary import MAP_POINTS


class MapEncoder(nn.Module):
    """Map pieces by shape and types, which then attend to their neighbours layer by layer."""

    def __init__(self, config: SmartSettings):
        super().__init__()
        self.config = config
        width = config.width
        self.token = mlp_embedding(2 * MAP_POINTS, width)
        self.types = nn.ModuleList(
            nn.Embedding(len(kinds), width) for kinds in (PointType, PolygonType, LightType)
        )
        self.relation = FourierEmbedding(3, width, config.bands, config.frequency_deviation)
        self.layers = nn.ModuleList(
            RelationAttention(**config.attention, bipartite=False) for _ in range(config.map_layers)
        )

    def forward(
        self, scenes: TokenBatch, shapes: Float[Tensor, "V P 2"]
    ) -> Float[Tensor, "M width"]:
        """The batch's map pieces; `shapes` are those of the vocabulary, metres."""
        x = self.token(shapes[scenes.map_token].flatten(1))
        for kind, embedding in enumerate(self.types):
            x = x + embedding(scenes.map_type[:, kind])
        if not self.layers:
            return x  # nothing would read the relations
        radius, limit = self.config.map_radius, self.config.map_neighbours
        embedding = looked_up(self.relation, radius, self.config.relation_rows)
        pose = scenes.map_pose
        among = near_one_another(pose[:, :2], scenes.map_scene, radius, limit)
        relations = relations_between(pose, pose, among, embedding)
        for layer in folded(self.layers):
            reading = layer.read(x)
            x = layer(x, reading, reading.memory, relations)
        return x
