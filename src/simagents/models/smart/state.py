"""SMART's state during a rollout."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from simagents.models.paths import Paths
from simagents.models.smart.attention import Memory

Embedding = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class MapMemory:
    """The map for agents: poses, and keys and values of every map-to-agent layer."""

    scene: Int64[Tensor, "M"]
    pose: Float[Tensor, "M 3"]
    layers: list[Memory]


@dataclass(frozen=True)
class SmartState:
    """A rollout's memory: the map once, and the last `past_steps` steps of every agent."""

    map: MapMemory
    agent_class: Int64[Tensor, "N"]
    agent_size: Float[Tensor, "N 3"]
    scene: Int64[Tensor, "N"]
    world: Int64[Tensor, "N"]
    origin: Float64[Tensor, "N 2"]
    """of the agent's scene in the world frame"""
    pose: list[Float[Tensor, "N 3"]]
    """newest last"""
    valid: list[Bool[Tensor, "N"]]
    layers: list[list[Memory]]
    """per layer and step: keys and values for the temporal attention"""
    embed_map: Embedding
    embed_agents: Embedding
    goal: Float[Tensor, "N 2"] | None = None
    """coordinates, for a model that reads them"""
    goal_pieces: Int64[Tensor, "N 2"] | None = None
    """map pieces on the way to the goal, for a model that marks them"""

    def rows(self, paths: Paths) -> "SmartState":
        """Row i continues from row `paths.agent[i]`; the map is shared."""

        def select(rows: Tensor) -> Tensor:
            return rows.index_select(0, paths.agent)

        return replace(
            self,
            agent_class=select(self.agent_class),
            agent_size=select(self.agent_size),
            scene=select(self.scene),
            world=paths.world,
            origin=select(self.origin),
            pose=[select(pose) for pose in self.pose],
            valid=[select(valid) for valid in self.valid],
            layers=[[(select(k), select(v)) for k, v in steps] for steps in self.layers],
            goal=None if self.goal is None else select(self.goal),
            goal_pieces=None if self.goal_pieces is None else select(self.goal_pieces),
        )
