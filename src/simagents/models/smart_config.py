"""What SMART is built from."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class SmartConfig:
    """Sizes and radii; config/model/7m.yaml has those of the published model."""

    width: int
    heads: int
    head_width: int
    bands: int
    map_layers: int
    agent_layers: int
    dropout: float
    history_drop: float
    """chance of a node to be left out of the temporal graph while training"""
    map_radius: float
    """metres between map pieces that see one another"""
    map_neighbours: int
    map_to_agent_radius: float
    agent_radius: float
    past_steps: int
    """tokens that an agent looks back"""
    relation_rows: int
    """of the tables from which relations to the map and among agents are interpolated, in training
    and simulation alike; 0: none, every relation through its Fourier branches"""
    head: Literal["shared", "per_class"]
    """one for the tokens of all classes, or one for each"""

    @property
    def attention(self) -> dict[str, Any]:
        """Of every attention layer."""
        return {
            "width": self.width,
            "heads": self.heads,
            "head_width": self.head_width,
            "dropout": self.dropout,
        }
