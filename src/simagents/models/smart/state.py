"""SMART's state during a rollout."""

from dataclasses import dataclass, replace

from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from simagents.models.paths import Paths
from simagents.models.smart.attention import FoldedAttention
from simagents.models.smart.memory import MapMemory, Recent
from simagents.models.smart.sight import Sight

Layers = list[tuple[FoldedAttention, FoldedAttention, FoldedAttention]]
"""in time, to the map, among agents"""


@dataclass(frozen=True)
class SmartState:
    """A rollout's memory: the map and the layers' weights once, and the recent steps of every agent."""

    map: MapMemory
    layers: Layers
    agent_class: Int64[Tensor, "N"]
    rows_of_class: tuple[Int64[Tensor, "_"], ...]
    of_agent: Float[Tensor, "N width"]
    """embedded class and size"""
    absent: Bool[Tensor, "N V"]
    """tokens that the agent's class does not have"""
    scene: Int64[Tensor, "N"]
    world: Int64[Tensor, "N"]
    origin: Float64[Tensor, "N 2"]
    """of the agent's scene in the world frame"""
    recent: Recent
    sight: Sight
    goal: Float[Tensor, "N 2"] | None = None
    """coordinates, for a model that reads them"""
    goal_pieces: Int64[Tensor, "N 2"] | None = None
    """map pieces on the way to the goal, for a model that marks them"""

    def rows(self, paths: Paths, rows_of_class: tuple[Int64[Tensor, "_"], ...]) -> "SmartState":
        """Row i continues from row `paths.agent[i]`; map and layers are shared."""

        def select(rows: Tensor) -> Tensor:
            return rows.index_select(0, paths.agent)

        return replace(
            self,
            agent_class=select(self.agent_class),
            rows_of_class=rows_of_class,
            of_agent=select(self.of_agent),
            absent=select(self.absent),
            scene=select(self.scene),
            world=paths.world,
            origin=select(self.origin),
            recent=self.recent.rows(paths.agent),
            goal=None if self.goal is None else select(self.goal),
            goal_pieces=None if self.goal_pieces is None else select(self.goal_pieces),
        )
