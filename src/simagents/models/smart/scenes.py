"""SMART's representation of scenes: map pieces and token chains as flat tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.models.tensors import Tensors, row_of
from simagents.tokens.scene import TokenScene


@dataclass(frozen=True, eq=False)
class TokenBatch(Tensors):
    """M map pieces and the agents of a SceneBatch, in its order. Metres from each scene's origin.

    T = 18 tokens of 0.5 s, the first two of which are history; B = T + 1 moments between them.
    """

    map_scene: Int64[Tensor, "M"]
    map_pose: Float32[Tensor, "M 3"]
    map_token: Int64[Tensor, "M"]
    map_type: Int64[Tensor, "M 3"]
    """PointType, PolygonType, LightType"""
    map_polyline: Int64[Tensor, "M"]
    """number, in its scene, of the map feature that the piece was cut from; its pieces are neighbours"""
    logged: Float32[Tensor, "A B 3"]
    logged_valid: Bool[Tensor, "A B"]
    token: Int64[Tensor, "A T"]
    pose: Float32[Tensor, "A T 3"]
    valid: Bool[Tensor, "A T"]
    in_range: Bool[Tensor, "A B"]
    """near enough to the SDC for training"""


def token_batch(scenes: Sequence[TokenScene]) -> TokenBatch:
    """Concatenate tokenised scenes."""

    def join(name: str, dtype: torch.dtype) -> Tensor:
        return torch.cat([torch.as_tensor(getattr(scene, name)).to(dtype) for scene in scenes])

    types = ("map_point_type", "map_polygon_type", "map_light")
    return TokenBatch(
        map_scene=row_of(len(scene.map_token) for scene in scenes),
        map_pose=join("map_pose", torch.float32),
        map_token=join("map_token", torch.int64),
        map_type=torch.stack([join(name, torch.int64) for name in types], dim=-1),
        map_polyline=join("map_feature", torch.int64),
        logged=join("logged", torch.float32),
        logged_valid=join("logged_valid", torch.bool),
        token=join("token", torch.int64),
        pose=join("pose", torch.float32),
        valid=join("valid", torch.bool),
        in_range=join("in_range", torch.bool),
    )
