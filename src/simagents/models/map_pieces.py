"""The map as pieces of polylines of about one length, with the same number of nodes each."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from simagents.models.scenes import MapBatch
from simagents.models.tensors import Tensors

_POINT = 0.01
"""Metres between the ends of a piece below which it has no direction."""


@dataclass(frozen=True, eq=False)
class MapPieces(Tensors):
    """Q - 1 pieces of S scenes, and after them one row of zeros that stands for no piece.

    A piece's frame is at the middle of its length and points from its first to its last node. Pieces
    without a direction, such as stop signs, have the direction (0, 0) and no shape, so that nothing
    depends on how the scene is turned.
    """

    anchor: Float[Tensor, "Q 2"]
    """metres from the scene's origin"""
    direction: Float[Tensor, "Q 2"]
    """unit vector, or zero"""
    node: Float[Tensor, "Q n 2"]
    """evenly along the piece, ends included"""
    shape: Float[Tensor, "Q n 2"]
    """the nodes in the piece's frame"""
    kind: Int64[Tensor, "Q"]
    """MapKind"""
    type: Int64[Tensor, "Q"]
    light: Int64[Tensor, "Q"]
    """LightState at the current step"""
    of_scene: Int64[Tensor, "S M"]
    """rows of each scene's pieces; padding leads to the last row"""

    @property
    def exists(self) -> Bool[Tensor, "S M"]:
        """Which places are no padding."""
        return self.of_scene < len(self.anchor) - 1


def cut(of: MapBatch, scenes: int, metres: float, nodes: int) -> MapPieces:
    """Each polyline in equal pieces of at most that length, by arc length in the plane; none of one without points."""
    point, device = of.point[:, :2].double(), of.point.device
    owner, polylines = of.polyline, len(of.scene)
    step = (point[1:] - point[:-1]).norm(dim=-1) * (owner[1:] == owner[:-1])
    # One coordinate along all polylines; where the next one begins it stands still.
    place = torch.cat([step.new_zeros(1), step.cumsum(0)])
    points = torch.bincount(owner, minlength=polylines)
    last = (points.cumsum(0) - 1).clamp(min=0)
    first = (points.cumsum(0) - points).clamp(max=max(len(point) - 1, 0))
    start, length = place[first], place[last] - place[first]
    count = (length / metres - 1e-6).ceil().clamp(min=1).long() * (points > 0)
    line = torch.repeat_interleave(torch.arange(polylines, device=device), count)
    number = torch.arange(len(line), device=device) - (count.cumsum(0) - count)[line]
    shares = torch.cat([torch.linspace(0, 1, nodes), torch.tensor([0.5])]).double().to(device)
    along = start[line, None] + (length / count)[line, None] * (number[:, None] + shares)
    low = torch.searchsorted(place, along.flatten(), right=True).view_as(along) - 1
    low = low.clamp(min=first[line, None]).minimum(last[line, None])
    high = (low + 1).minimum(last[line, None])
    share = (along - place[low]) / (place[high] - place[low]).clamp(min=1e-9)
    at = torch.lerp(point[low], point[high], share.clamp(0, 1)[..., None]).float()
    node, anchor = at[:, :-1], at[:, -1]
    chord = node[:, -1] - node[:, 0]
    span = chord.norm(dim=-1, keepdim=True)
    ahead = torch.where(span > _POINT, chord / span.clamp(min=_POINT), 0.0)
    offset = node - anchor[:, None]
    # Coordinates along the direction and to its left; both zero without one.
    axes = torch.stack([ahead, torch.stack([-ahead[:, 1], ahead[:, 0]], dim=-1)], dim=-1)
    scene = of.scene[line]

    def and_none(rows: Tensor) -> Tensor:
        return torch.cat([rows, rows.new_zeros(1, *rows.shape[1:])])

    return MapPieces(
        anchor=and_none(anchor),
        direction=and_none(ahead),
        node=and_none(node),
        # Sums of products, not a matrix product: autocast would take metres to 8 bits.
        shape=and_none((offset[..., None] * axes[:, None]).sum(dim=-2)),
        kind=and_none(of.kind[line]),
        type=and_none(of.type[line]),
        light=and_none(of.light[line]),
        of_scene=_table(scene, scenes),
    )


def _table(scene: Int64[Tensor, "Q"], scenes: int) -> Int64[Tensor, "S M"]:
    """Rows by scene, padded with Q to the largest scene, at least one place."""
    count = torch.bincount(scene, minlength=scenes)
    first = count.cumsum(0) - count
    places = torch.arange(max(int(count.max()), 1), device=scene.device)
    return torch.where(places < count[:, None], first[:, None] + places, len(scene))
