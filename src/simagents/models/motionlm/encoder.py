"""The encoder: one pass over a scene's agents and map, for all steps and rollouts."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from simagents.config.models import MotionLM as MotionLMSettings
from simagents.geometry import unit_vector
from simagents.models.body import BODY, body
from simagents.models.map_pieces import MapPieces, cut
from simagents.models.motionlm.attention import Attention, FeedForward, nearer_the_more
from simagents.models.motionlm.places import FAST, PlaceFeatures, along
from simagents.models.motionlm.slots import Slots
from simagents.models.perceptrons import mlp_embedding
from simagents.models.piece_embedding import PieceEmbedding
from simagents.models.policy import Input
from simagents.models.scenes import SceneBatch
from simagents.scenarios.scenario import CURRENT

EXACT = "donot_use_mm_for_euclid_dist"
"""How torch computes distances: as a product of matrices they are off by decimetres in scenes of 300 m."""
_NEAR = 10.0
"""Metres: the unit of the way that an agent has come"""


@dataclass(frozen=True)
class EncodedScenes:
    """S scenes, each with a place for A agents and then for M pieces of map: K sources in all."""

    source: Float[Tensor, "S K D"]
    present: Bool[Tensor, "S K"]
    agents: int
    """A"""
    node: Float[Tensor, "S K n 2"]
    """places of every source, metres from the scene's origin"""

    def distance(self, place: Float[Tensor, "S L 2"]) -> Float[Tensor, "S L K"]:
        """Metres from places to each source, at its nearest node."""
        return (
            torch.cdist(place, self.node.flatten(1, 2), compute_mode=EXACT)
            .unflatten(2, (-1, self.node.shape[2]))
            .amin(-1)
        )


class SceneEncoder(nn.Module):
    """Agents' histories and pieces of map with their lights, in the scene's frame, which attend to one another."""

    def __init__(self, settings: MotionLMSettings):
        super().__init__()
        width = settings.width
        self.settings = settings
        self.map = MapTokens(settings)
        self.agents = AgentTokens(settings)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [Attention(width, settings.heads), FeedForward(width, settings.feed_forward)]
            )
            for _ in range(settings.encoder_layers)
        )

    def forward(self, scenes: SceneBatch, unseen: Input | None = None) -> EncodedScenes:
        slots = Slots.of(scenes.agent_scene, scenes.agent_scene, scenes.scenes)
        agents = slots.put(self.agents(scenes))
        pieces = self.map(scenes, slots)
        source = torch.cat([agents, pieces.features], dim=1)
        there = pieces.there if unseen != "map" else torch.zeros_like(pieces.there)
        present = torch.cat([slots.present, there], dim=1)
        count = slots.agents
        seen = present[:, None]
        if unseen == "neighbours":  # agents see themselves and the map, the map sees itself
            itself = torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
            itself[count:, count:] = True
            itself[:count, count:] = True
            seen = seen & itself
        # Slots of nothing see something, since an attention to nothing is not defined.
        seen = (seen | ~seen.any(dim=-1, keepdim=True))[:, None]
        at = slots.put(scenes.pose[:, CURRENT, :2].float())[:, :, None]
        node = torch.cat([at.expand(-1, -1, pieces.node.shape[2], -1), pieces.node], dim=1)
        encoded = EncodedScenes(source, present, count, node)
        if self.settings.geometry == "given":
            middle = node[:, :, node.shape[2] // 2]
            seen = nearer_the_more(seen, encoded.distance(middle), self.settings.heads)
        for attention, feed_forward in self.layers:
            source = feed_forward(attention(source, attention.memory(source), seen))
        return replace(encoded, source=source)


@dataclass(frozen=True)
class PieceTokens:
    """At most M pieces of each of S scenes."""

    features: Float[Tensor, "S M D"]
    there: Bool[Tensor, "S M"]
    node: Float[Tensor, "S M n 2"]
    """metres from the scene's origin"""


class MapTokens(PieceEmbedding):
    """Pieces of map by shape, kind, light and place."""

    def __init__(self, settings: MotionLMSettings):
        super().__init__(settings.piece_nodes, settings.width)
        self.settings = settings
        self.features = PlaceFeatures(settings.bands)
        self.place = nn.Linear(self.features.count, settings.width)

    def forward(self, scenes: SceneBatch, slots: Slots) -> PieceTokens:
        settings = self.settings
        pieces = cut(scenes.map, scenes.scenes, settings.piece_metres, settings.piece_nodes)
        pieces = nearest_pieces(pieces, scenes, slots, settings.pieces)
        row = pieces.of_scene
        axis = scenes.heading[:, None].expand(row.shape)
        place = self.features(pieces.anchor[row], pieces.direction[row], axis)
        features = self.embedded(pieces)[row] + self.place(place)
        return PieceTokens(features, pieces.exists, pieces.node[row])


def nearest_pieces(pieces: MapPieces, scenes: SceneBatch, slots: Slots, most: int) -> MapPieces:
    """With no more than `most` pieces of each scene: those nearest to any of its agents at the current step."""
    row, exists = pieces.of_scene, pieces.exists
    if row.shape[1] <= most:
        return pieces
    at = slots.put(scenes.pose[:, CURRENT, :2].float())
    away = torch.cdist(pieces.anchor[row], at, compute_mode=EXACT)
    away = away.masked_fill(~slots.present[:, None], torch.inf).amin(dim=-1)
    place = away.masked_fill(~exists, torch.inf).topk(most, dim=1, largest=False).indices
    return replace(pieces, of_scene=row.gather(1, place.sort(dim=1).values))


class AgentTokens(nn.Module):
    """Agents by their last eleven states as seen from the current one, class, size and place."""

    def __init__(self, settings: MotionLMSettings):
        super().__init__()
        self.features = PlaceFeatures(settings.bands)
        moments = CURRENT + 1
        self.embed = mlp_embedding(self.features.count + BODY + 7 * moments, settings.width)

    def forward(self, scenes: SceneBatch) -> Float[Tensor, "A D"]:
        past, axis = slice(0, CURRENT + 1), scenes.agent_axis
        pose, valid = scenes.pose[:, past], scenes.valid[:, past, None]
        now = pose[:, -1]
        way = (pose[..., :2] - now[:, None, :2]).float()
        states = torch.cat(
            [
                along(way, axis[:, None]) / _NEAR,
                along(unit_vector(pose[..., 2].float()), axis[:, None]),
                along(scenes.velocity[:, past], axis[:, None]) / FAST,
                torch.ones_like(way[..., :1]),
            ],
            dim=-1,
        )
        place = self.features(now[:, :2].float(), unit_vector(now[:, 2].float()), axis)
        everything = [
            (states * valid).flatten(1),
            place,
            body(scenes.agent_size, scenes.agent_class),
        ]
        return self.embed(torch.cat(everything, dim=-1))
