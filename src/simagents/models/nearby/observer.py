"""What agents see at each moment: themselves, the map and one another."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.config.models import Nearby
from simagents.geometry import unit_vector
from simagents.models.body import BODY, body
from simagents.models.nearby.attention import NearestAttention
from simagents.models.nearby.map_encoder import EncodedMap
from simagents.models.nearby.moments import Moments
from simagents.models.nearby.relations import RelativePose, nearest
from simagents.models.paths import Paths
from simagents.models.policy import Input
from simagents.models.scenes import SceneBatch

_PIECE, _AGENT = 0, 1


@dataclass(frozen=True)
class Surroundings:
    """N agents, and for each the candidates of its attention: pieces of its scene, agents of its world."""

    scene: Int64[Tensor, "N"]
    agent_class: Int64[Tensor, "N"]
    size: Float[Tensor, "N 3"]
    piece: Int64[Tensor, "N M"]
    """rows of the map"""
    piece_exists: Bool[Tensor, "N M"]
    piece_at: Float[Tensor, "N M 2"]
    mate: Int64[Tensor, "N C"]
    """rows of the agents"""
    mate_exists: Bool[Tensor, "N C"]

    @cached_property
    def body(self) -> Float[Tensor, "N 6"]:
        """Size and class as features."""
        return body(self.size, self.agent_class)

    def in_worlds(
        self, row: Int64[Tensor, "n"], world: Int64[Tensor, "n"], encoded: EncodedMap
    ) -> "Surroundings":
        """Rows of it, perhaps several times, in worlds of their own."""
        return Surroundings.of(
            encoded, self.scene[row], world, self.agent_class[row], self.size[row]
        )

    @staticmethod
    def along(scenes: SceneBatch, encoded: EncodedMap, paths: Paths) -> "Surroundings":
        """Of the agents of paths."""
        row = paths.agent
        return Surroundings.of(
            encoded, scenes.agent_scene[row], paths.world, scenes.agent_class[row],
            scenes.agent_size[row],
        )  # fmt: skip

    @staticmethod
    def of(
        encoded: EncodedMap,
        scene: Int64[Tensor, "N"],
        world: Int64[Tensor, "N"],
        agent_class: Int64[Tensor, "N"],
        size: Float[Tensor, "N 3"],
    ) -> "Surroundings":
        """`world` is sorted; agents of one world are of one scene."""
        piece = encoded.pieces.of_scene[scene]
        _, number, count = torch.unique_consecutive(world, return_inverse=True, return_counts=True)
        first = (count.cumsum(0) - count)[number, None]
        place = torch.arange(int(count.max()), device=world.device)
        itself = torch.arange(len(world), device=world.device)[:, None]
        there = place < count[number, None]
        mate = torch.where(there, first + place, 0)
        return Surroundings(
            scene, agent_class, size,
            piece, encoded.pieces.exists[scene], encoded.pieces.anchor[piece],
            mate, there & (mate != itself),
        )  # fmt: skip


class Observer(nn.Module):
    """A look around: an agent's state, after attention to the nearest pieces of map and nearest agents.

    A look knows its own moment alone; what came before is the memory's part. So all looks of a path
    are computed at once, and those of a rollout one by one.
    """

    def __init__(self, settings: Nearby):
        super().__init__()
        width = settings.width
        self.pieces, self.agents = settings.nearest_pieces, settings.nearest_agents
        self.itself = nn.Sequential(nn.Linear(3 + BODY, width), nn.ReLU(), nn.Linear(width, width))
        # 10 m/s, 2 m/s², 0.5 rad/s
        self.register_buffer("per_unit", torch.tensor([0.1, 0.5, 2.0]), persistent=False)
        self.relation = RelativePose(width, settings.bands, labels=2)
        self.layers = nn.ModuleList(
            NearestAttention(width, settings.heads) for _ in range(settings.agent_layers)
        )
        self.norm = nn.LayerNorm(width)

    def memories(self, encoded: EncodedMap) -> list[Float[Tensor, "Q W"]]:
        """Keys and values of the pieces for every layer: once for all moments and worlds."""
        return [layer.memory(encoded.embedding) for layer in self.layers]

    def forward(
        self,
        now: Moments,
        around: Surroundings,
        encoded: EncodedMap,
        memories: list[Tensor],
        unseen: Input | None = None,
    ) -> Float[Tensor, "T N D"]:
        """Features of every agent at every moment; those of agents that are not valid mean nothing."""
        moments, n = now.speed.shape
        at, pieces = now.place, encoded.pieces
        there = around.piece_exists[None]
        if unseen == "map":
            there = torch.zeros_like(there)
        place, near = nearest(at.detach(), around.piece_at[None], there, self.pieces)
        piece = around.piece.expand(moments, -1, -1).gather(-1, place)

        mates_at, mates_there = at[:, around.mate], now.valid[:, around.mate] & around.mate_exists
        if unseen == "neighbours":
            mates_there = torch.zeros_like(mates_there)
        place, close = nearest(at.detach(), mates_at.detach(), mates_there, self.agents)
        mate = around.mate.expand(moments, -1, -1).gather(-1, place)
        mate = mate + n * torch.arange(moments, device=mate.device)[:, None, None]

        facing = unit_vector(now.heading).flatten(0, 1)
        relation = self.relation(
            at,
            now.heading,
            torch.cat([pieces.anchor[piece], at.flatten(0, 1)[mate]], dim=2),
            torch.cat([pieces.direction[piece], facing[mate]], dim=2),
            torch.tensor([_PIECE] * piece.shape[2] + [_AGENT] * mate.shape[2], device=at.device),
        )
        present = torch.cat([near, close], dim=-1)
        own = torch.cat([now.speed[..., None], now.changes], dim=-1) * self.per_unit
        x = self.itself(torch.cat([own, around.body.expand(moments, -1, -1)], dim=-1))
        for layer, of_map in zip(self.layers, memories, strict=True):
            of_agents = layer.memory(x).flatten(0, 1)
            sources = torch.cat([of_map[piece], of_agents[mate]], dim=2)
            x = layer(x, sources, relation, present)
        return self.norm(x)
