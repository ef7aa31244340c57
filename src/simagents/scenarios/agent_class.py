"""The three classes of agents that simulators tell apart."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.scenarios.scenario import AgentType

CLASSES = ("vehicle", "pedestrian", "cyclist")
REFERENCE_SIZE = ((4.8, 2.0), (1.0, 1.0), (2.0, 1.0))
"""Length and width (m) of the box that stands for each class in comparisons (SMART's)."""


def reference_size(device: torch.device | str = "cpu") -> Float[Tensor, "3 2"]:
    """REFERENCE_SIZE on a device."""
    return torch.tensor(REFERENCE_SIZE, device=device)


def class_of(agent_type: Tensor) -> Tensor:
    """Class index of WOMD's object types; what is no pedestrian or cyclist moves as a vehicle."""
    on_foot_or_bike = (agent_type == AgentType.PEDESTRIAN) | (agent_type == AgentType.CYCLIST)
    return torch.where(on_foot_or_bike, agent_type.long() - 1, 0)
