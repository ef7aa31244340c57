"""How SMART sees goals. All weights start at zero, so that the model begins as one without goals.

RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033) compares two ways: the goal's coordinates are appended to
an agent's token embedding, or map tokens on the way of the goal are marked in the relations of the
agent to the map.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from simagents.geometry import to_local, to_world
from simagents.models.scenes import SceneBatch
from simagents.models.smart.scenes import TokenBatch
from simagents.tokens.map import PolygonType

SCALE = 100.0
"""Metres that make a coordinate of 1 (our choice)."""


class GoalCoordinates(nn.Module):
    """What is added to a node: W [x / 100 m, y / 100 m, 1], seen from the agent, or nothing without a goal.

    The same as three more channels beside the node's, read by layers that are widened by columns of
    zeros. The 1 says that there is a goal.
    """

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, width))

    def forward(
        self, goal: Float[Tensor, "N 2"], pose: Float[Tensor, "N 3"]
    ) -> Float[Tensor, "N width"]:
        """`goal` is NaN where there is none; `pose` is where the agent is."""
        exists = ~goal.isnan().any(dim=-1, keepdim=True)
        goal = torch.where(exists, goal, 0.0)
        seen = to_local(torch.cat([goal, torch.zeros_like(goal[:, :1])], dim=-1), pose)
        with torch.autocast(goal.device.type, enabled=False):  # as of all coordinates
            return (torch.cat([seen[:, :2] / SCALE, exists], dim=-1) * exists) @ self.weight


class GoalMark(nn.Module):
    """What is added to the relation of an agent to a map token of its goal's lane.

    It is added after the normalisation of relations, whose scale and shift the layers fold into their
    own weights: a key and a value of its own for marked tokens, for a row of each marked edge.
    """

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))

    def on(self, pieces: Int64[Tensor, "N 2"]) -> "Marked":
        """For targets whose marked map pieces are these; see `goal_pieces`."""
        return Marked(self.weight, pieces)


@dataclass(frozen=True)
class Marked:
    """Marks of some targets."""

    weight: Float[Tensor, "width"]
    pieces: Int64[Tensor, "N 2"]

    def __call__(
        self,
        relation: Float[Tensor, "E width"],
        target: Int64[Tensor, "E"],
        source: Int64[Tensor, "E"],
    ) -> Float[Tensor, "E width"]:
        """The relations, those to marked pieces with the mark."""
        first, last = self.pieces.index_select(0, target).unbind(-1)
        places = torch.nonzero((source >= first) & (source <= last)).squeeze(-1)
        mark = self.weight.to(relation.dtype).expand(len(places), -1)
        return relation.index_add(0, places, mark)


@torch.no_grad()
def goal_pieces(scenes: SceneBatch, shapes: Float[Tensor, "V P 2"]) -> Int64[Tensor, "A 2"]:
    """First and last of the map pieces that lead to each agent's goal; last before first for none.

    The goal's polyline is the lane that passes nearest to the goal. Its pieces are marked from the
    lane's beginning to the piece at the goal, and not behind it. Marking that last piece alone would
    be the paper's formula read to the letter, but agents see no more than a few tens of metres of the
    map; marking the whole lane would not tell where on it to arrive (our choice). `shapes` are the
    points of the vocabulary's pieces, metres from their poses.
    """
    tokens = scenes.representation
    first = _first_of_polyline(tokens)
    pieces = torch.tensor([0, -1], device=scenes.device).repeat(len(scenes.agent_scene), 1)
    with_goal = ~scenes.goal.isnan().any(dim=-1)
    lane = tokens.map_type[:, 1] == PolygonType.LANE
    for scene in range(scenes.scenes):  # one by one: few agents have goals, and pieces are many
        agents = torch.nonzero(with_goal & (scenes.agent_scene == scene)).squeeze(-1)
        lanes = torch.nonzero(lane & (tokens.map_scene == scene)).squeeze(-1)
        if not len(agents) or not len(lanes):
            continue
        shape = shapes[tokens.map_token[lanes]]
        shape = torch.cat([shape, torch.zeros_like(shape[..., :1])], dim=-1)
        points = to_world(shape, tokens.map_pose[lanes, None])[..., :2]
        away = (points - scenes.goal[agents, None, None]).square().sum(dim=-1).amin(dim=-1)
        nearest = lanes[away.argmin(dim=-1)]
        pieces[agents] = torch.stack([first[nearest], nearest], dim=-1)
    return pieces


def _first_of_polyline(tokens: TokenBatch) -> Int64[Tensor, "M"]:
    """For every map piece the first one of its polyline."""
    number = torch.arange(len(tokens.map_scene), device=tokens.map_scene.device)
    begins = torch.ones_like(number, dtype=torch.bool)
    begins[1:] = (tokens.map_scene[1:] != tokens.map_scene[:-1]) | (
        tokens.map_polyline[1:] != tokens.map_polyline[:-1]
    )
    return torch.where(begins, number, 0).cummax(dim=0).values
