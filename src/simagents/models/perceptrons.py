"""Small perceptrons that several families use."""

from torch import nn


def mlp_embedding(inputs: int, width: int) -> nn.Sequential:
    """SMART's embedding of short vectors: three linear layers with LayerNorm and ReLU between."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU(),
        nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(),
        nn.Linear(width, width),
    )  # fmt: skip


def mlp_head(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """SMART's two-layer head, also used for agent sizes."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, outputs)
    )
