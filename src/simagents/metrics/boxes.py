"""Distance between agents as rounded rectangles."""

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.geometry import box_corners

COLLISION_DISTANCE = 0.0
FAR = 1e10
_ROUNDING = 0.7  # radius of the corners, as a share of half the shorter side
_SLACK = 0.05  # metres: far above what float32 rounds away within 100 km


def signed_distance(
    pose_a: Float32[Tensor, "P 3"],
    size_a: Float32[Tensor, "P 2"],
    pose_b: Float32[Tensor, "P 3"],
    size_b: Float32[Tensor, "P 2"],
) -> Float32[Tensor, "P"]:
    """Metres between the boxes of each pair, negative by the depth to which they overlap.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: a box is a smaller rectangle
    with a margin around it, which rounds its corners. The distance of the smaller rectangles is
    that of the origin from the Minkowski sum of one and the other's mirror image.

    Poses are x, y, heading in the world frame, sizes are length and width.
    """
    core_a, margin_a = _core(size_a)
    core_b, margin_b = _core(size_b)
    a = box_corners(pose_a, core_a[:, 0], core_a[:, 1]).permute(1, 2, 0)
    b = box_corners(pose_b, core_b[:, 0], core_b[:, 1]).permute(1, 2, 0)

    # From its lowest corner on, each outline turns through one right angle per side, and so do the
    # sum's sides in pairs. The official code compares the first two sides, as rounded to float32,
    # and keeps that order all around: where boxes are nearly parallel the sum may have a dent of
    # a few millimetres.
    a, b = _from_lowest(a), -_from_lowest(-b)
    ax, ay = a[1] - a[0]
    bx, by = b[0] - b[1]
    a_first = ax * by - ay * bx > 0
    a_next, b_next = a.roll(-1, 0), b.roll(-1, 0)
    between = torch.where(a_first, a_next - b, a - b_next)
    corners = torch.stack([a - b, between], dim=1).flatten(0, 1)
    return _from_polygon(corners) - margin_a - margin_b


def _core(size: Tensor) -> tuple[Tensor, Tensor]:
    margin = size.amin(dim=-1) * _ROUNDING / 2
    return size - 2 * margin[:, None], margin


def _from_lowest(corners: Float32[Tensor, "4 2 P"]) -> Float32[Tensor, "4 2 P"]:
    """The same corners in the same order, beginning with the one of least y."""
    lowest = corners[:, 1].argmin(dim=0)
    order = (torch.arange(4, device=lowest.device)[:, None] + lowest) % 4
    return corners.gather(0, order[:, None].expand_as(corners))


def _from_polygon(corners: Float32[Tensor, "C 2 P"]) -> Float32[Tensor, "P"]:
    """Distance of the origin from a convex counter-clockwise polygon, negative inside."""
    x, y = -corners[:, 0], -corners[:, 1]
    dx, dy = (corners.roll(-1, 0) - corners).unbind(1)
    square = dx * dx + dy * dy
    outwards = (dy * x - dx * y) / square.sqrt()
    along = (x * dx + y * dy) / square
    to_edge = outwards.abs().where((along >= 0) & (along <= 1), torch.inf)
    least = torch.minimum(to_edge, (x * x + y * y).sqrt()).amin(dim=0)
    return torch.where((outwards <= 0).all(dim=0), -least, least)


def distance_to_nearest_object(
    poses: Float32[Tensor, "4 R A T"],
    size: Float32[Tensor, "A 3"],
    evaluated: Int64[Tensor, "E"],
    valid: Bool[Tensor, "A T"],
) -> Float32[Tensor, "R E T"]:
    """Signed distance in metres of each evaluated agent from the nearest other agent, in plan view.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: agents of all types count, in
    front or behind, above or below. 1e10 where the agent or all the others are invalid, or where
    there is no other. `poses`: x, y, z, heading of centres in the world frame.

    Exact, though few pairs are measured: a box lies between the circles around its centre that
    half its shorter side and half its diagonal give.
    """
    x, y = poses[0], poses[1]
    gap = torch.hypot(x[:, None] - x[:, evaluated, None], y[:, None] - y[:, evaluated, None])
    inner = size[:, :2].amin(dim=-1) / 2
    outer = torch.hypot(size[:, 0], size[:, 1]) / 2
    others = valid & valid[evaluated, None]
    others &= (torch.arange(len(size), device=size.device) != evaluated[:, None])[:, :, None]
    gap = gap.where(others, torch.inf)
    most = (gap - (inner + inner[evaluated, None])[:, :, None]).amin(dim=2, keepdim=True)
    least = gap - (outer + outer[evaluated, None])[:, :, None]
    near = (least <= most * (1 + 1e-5) + _SLACK) & others
    rollout, agent, other, step = near.nonzero(as_tuple=True)

    planar = poses[[0, 1, 3]]
    ego = evaluated[agent]
    distance = signed_distance(
        planar[:, rollout, ego, step].T,
        size[ego, :2],
        planar[:, rollout, other, step].T,
        size[other, :2],
    )
    shape = (poses.shape[1], len(evaluated), poses.shape[3])
    slot = (rollout * shape[1] + agent) * shape[2] + step
    nearest = distance.new_full((shape[0] * shape[1] * shape[2],), FAR)
    return nearest.scatter_reduce(0, slot, distance, "amin").view(shape)
