"""What SMART's nodes attend to: their own past, the map, and one another."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from simagents.config.models import Smart as SmartSettings
from simagents.models.paths import Paths
from simagents.models.policy import Input
from simagents.models.smart.fourier import FourierEmbedding
from simagents.models.smart.goals import GoalMark
from simagents.models.smart.memory import MapMemory, Recent
from simagents.models.smart.neighbours import Neighbourhoods, near, near_one_another
from simagents.models.smart.relations import (
    SLOTS_AT_ONCE,
    Relations,
    embed_relations,
    looked_up,
    relation_features,
    relations_between,
)


@dataclass(frozen=True)
class Sight:
    """Finds what nodes attend to and embeds their relations to it, for one pass or one rollout."""

    config: SmartSettings
    to_past: FourierEmbedding
    to_map: Callable[[Tensor], Tensor]
    to_agents: Callable[[Tensor], Tensor]
    goal_mark: GoalMark | None
    unseen: Input | None

    @staticmethod
    def of(
        config: SmartSettings,
        to_past: FourierEmbedding,
        to_map: FourierEmbedding,
        to_agents: FourierEmbedding,
        goal_mark: GoalMark | None,
        unseen: Input | None,
    ) -> "Sight":
        """With tables of the embeddings, where the configuration has them. No node sees `unseen`."""
        rows = config.relation_rows
        return Sight(
            config,
            to_past,
            looked_up(to_map, config.map_to_agent_radius, rows),
            looked_up(to_agents, config.agent_radius, rows),
            goal_mark,
            unseen,
        )

    def pasts(
        self, paths: Paths, node: Int64[Tensor, "N"], step: Int64[Tensor, "N"], drop: float
    ) -> Relations:
        """Of all nodes of paths, rows `node` of all agents' steps, to those before them; without, for
        this share of the nodes, what came before."""
        number = torch.full((paths.valid.numel(),), -1, device=node.device)
        number[node] = torch.arange(len(node), device=node.device)
        back = torch.arange(1, self.config.past_steps + 1, device=node.device)
        past = number[(node[:, None] - back).clamp(min=0)]
        there = (step[:, None] >= back) & (past >= 0)
        past = past.clamp(min=0)
        if drop > 0:
            kept = torch.rand(len(node), device=node.device) >= drop
            there &= kept[:, None] & kept[past]
        pose = paths.pose.reshape(-1, 3)[node]
        return self._looking_back(pose, pose[past], back, past.flatten(), ~there)

    def past(
        self, recent: Recent, pose: Float[Tensor, "N 3"], valid: Bool[Tensor, "N"]
    ) -> Relations:
        """Of one more node of every agent to its recent ones."""
        if not recent.steps:
            return Relations.none(pose.device)
        absent = ~(recent.valid & valid[:, None])
        return self._looking_back(pose, recent.pose, recent.back, None, absent)

    def on_map(
        self,
        pose: Float[Tensor, "N 3"],
        scene: Int64[Tensor, "N"],
        memory: MapMemory,
        goal_pieces: Int64[Tensor, "N 2"] | None,
    ) -> Relations:
        """To map pieces; those on the way to a node's goal are marked."""
        if self.unseen == "map":
            return Relations.none(pose.device)
        found = near(pose[:, :2], scene, memory.index)
        mark = None if goal_pieces is None else self.goal_mark.on(goal_pieces)
        return relations_between(pose, memory.pose, found, self.to_map, mark)

    def among(self, pose: Float[Tensor, "N 3"], group: Int64[Tensor, "N"]) -> Relations:
        """Of nodes of a group (a world at a step) to one another; those of group -1 see none."""
        if self.unseen == "neighbours":
            return Relations.none(pose.device)
        found = near_one_another(pose[:, :2], group, self.config.agent_radius)
        return relations_between(pose, pose, found, self.to_agents)

    def _looking_back(
        self, pose: Tensor, past: Tensor, back: Tensor, source: Tensor | None, absent: Tensor
    ) -> Relations:
        """Relations of every row to its `past` [N, P, 3], so many steps `back` [P]."""
        slots = Neighbourhoods(None, source, [absent])
        back = -back.to(pose.dtype).expand(absent.shape).reshape(-1, 1)
        features = relation_features(pose, past.flatten(0, 1), slots.target_of_slots())
        features = torch.cat([features, back], dim=-1)
        # Embedded by four branches and not by tables, which takes four times the memory for a slot.
        return embed_relations(slots, features, self.to_past, at_once=SLOTS_AT_ONCE // 4)
