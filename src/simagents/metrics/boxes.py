"""Distance between agents as rounded rectangles."""

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.metrics.concatenation import Pairs

COLLISION_DISTANCE = 0.0
FAR = 1e10
_ROUNDING = 0.7  # radius of the corners, as a share of half the shorter side
_SLACK = 0.05  # metres: far above what float32 rounds away within 100 km

Values = Float32[Tensor, "*#n"]


def outline(
    x: Values, y: Values, heading: Values, length: Values, width: Values
) -> Float32[Tensor, "4 2 *n"]:
    """Corners of boxes, counter-clockwise from the left front.

    The same numbers as `geometry.box_corners` gives, to the last bit, with half its arithmetic:
    opposite corners differ from the centre by opposite amounts.
    """
    cos, sin = heading.cos(), heading.sin()
    ahead_x, ahead_y = length / 2 * cos, length / 2 * sin
    aside_x, aside_y = width / 2 * sin, width / 2 * cos
    front = torch.stack([ahead_x - aside_x, ahead_y + aside_y])
    rear = torch.stack([-ahead_x - aside_x, aside_y - ahead_y])
    centre = torch.stack([x.expand_as(cos), y.expand_as(cos)])
    return torch.stack([front + centre, rear + centre, centre - front, centre - rear])


def signed_distance(
    pose_a: Float32[Tensor, "3 P"],
    size_a: Float32[Tensor, "2 P"],
    pose_b: Float32[Tensor, "3 P"],
    size_b: Float32[Tensor, "2 P"],
) -> Float32[Tensor, "P"]:
    """Metres between the boxes of each pair, negative by the depth to which they overlap.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: a box is a smaller rectangle
    with a margin around it, which rounds its corners. The distance of the smaller rectangles is
    that of the origin from the Minkowski sum of one and the other's mirror image.

    Poses are x, y, heading in the world frame, sizes are length and width.
    """
    core_a, margin_a = _core(size_a)
    core_b, margin_b = _core(size_b)

    # From its lowest corner on, each outline turns through one right angle per side, and so do the
    # sum's sides in pairs. The official code compares the first two sides, as rounded to float32,
    # and keeps that order all around: where boxes are nearly parallel the sum may have a dent of
    # a few millimetres.
    a = _from_lowest(outline(*pose_a, *core_a))
    b = -_from_lowest(-outline(*pose_b, *core_b))
    ax, ay = a[1] - a[0]
    bx, by = b[0] - b[1]
    a_first = ax * by - ay * bx > 0
    a_next, b_next = a.roll(-1, 0), b.roll(-1, 0)
    between = torch.where(a_first, a_next - b, a - b_next)
    corners = torch.stack([a - b, between], dim=1).flatten(0, 1)
    return _from_polygon(corners) - margin_a - margin_b


def _core(size: Tensor) -> tuple[Tensor, Tensor]:
    margin = size.amin(dim=0) * _ROUNDING / 2
    return size - 2 * margin, margin


def _from_lowest(corners: Float32[Tensor, "4 2 P"]) -> Float32[Tensor, "4 2 P"]:
    """The same corners in the same order, beginning with the first one of least y."""
    y = corners[:, 1]
    second, fourth = y[1] < y[0], y[3] < y[2]
    later_half = torch.minimum(y[2], y[3]) < torch.minimum(y[0], y[1])
    corners = torch.where(later_half, corners.roll(-2, 0), corners)
    odd = torch.where(later_half, fourth, second)
    return torch.where(odd, corners.roll(-1, 0), corners)


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
    poses: Float32[Tensor, "3 A R T"],
    size: Float32[Tensor, "A 3"],
    evaluated: Int64[Tensor, "E"],
    pairs: Pairs,
    valid: Bool[Tensor, "A T"] | None = None,
) -> Float32[Tensor, "E R T"]:
    """Signed distance in metres of each evaluated agent from the nearest other agent, in plan view.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: agents of all types count, in
    front or behind, above or below. 1e10 where the agent or all the others are invalid, or where
    there is no other. `poses`: x, y, heading of centres in the world frame; `pairs` of `evaluated`
    agents with rows of A; without `valid` all are.

    Exact, though few pairs are measured: a box lies between the circles around its centre that
    half its shorter side and half its diagonal give.
    """
    ego, other = evaluated[pairs.ego], pairs.other
    x, y = poses[:2].index_select(1, other) - poses[:2].index_select(1, ego)
    gap = (x * x + y * y).sqrt_()
    inner = size[:, :2].amin(dim=-1) / 2
    outer = torch.hypot(size[:, 0], size[:, 1]) / 2
    if valid is not None:
        gap = gap.where((valid[ego] & valid[other])[:, None], torch.inf)
    most = gap - (inner[ego] + inner[other])[:, None, None]
    shape = (len(evaluated), *gap.shape[1:])
    into = pairs.ego[:, None, None].expand_as(most)
    bound = gap.new_full(shape, torch.inf).scatter_reduce_(0, into, most, "amin")
    bound = bound * (1 + 1e-5) + _SLACK
    least = gap.sub_((outer[ego] + outer[other])[:, None, None])
    near = least <= bound.index_select(0, pairs.ego)
    near &= least < torch.inf
    pair, step = near.flatten(1).nonzero(as_tuple=True)

    slots = shape[1] * shape[2]
    planar, plan = poses.flatten(1), size[:, :2].T.contiguous()
    one, two = ego[pair], other[pair]
    distance = signed_distance(
        planar.index_select(1, one * slots + step),
        plan.index_select(1, one),
        planar.index_select(1, two * slots + step),
        plan.index_select(1, two),
    )
    slot = pairs.ego[pair] * slots + step
    nearest = distance.new_full((shape[0] * slots,), FAR)
    return nearest.scatter_reduce_(0, slot, distance, "amin").view(shape)
