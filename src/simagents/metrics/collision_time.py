"""Time until an agent runs into the one that it follows."""

from math import radians

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.geometry import rotate
from simagents.metrics.concatenation import Pairs
from simagents.metrics.kinematics import linear_speed

LONGEST = 5.0  # seconds
_FAR = 1e10
_HEADING = radians(75.0)
_SMALL_HEADING = radians(10.0)
_SMALL_OVERLAP = -0.5  # metres
_SLACK = 0.1  # metres: far above what float32 rounds away within 100 km


def time_to_collision(
    poses: Float32[Tensor, "3 A R _"],
    size: Float32[Tensor, "A 3"],
    evaluated: Int64[Tensor, "E"],
    pairs: Pairs,
    valid: Bool[Tensor, "A T"] | None = None,
) -> Float32[Tensor, "E R T"]:
    """Seconds until each evaluated agent reaches the one ahead at their present speeds, at most 5.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. The one ahead is the nearest
    along the agent's axis among those that it follows: boxes (with sharp corners) overlap sideways
    and headings differ by at most 75 degrees, or 10 where the overlap is half a metre or less.
    The official code does not wrap the difference of headings, so agents on either side of
    +-180 degrees do not follow each other. 5 where nobody is ahead, where the gap does not close,
    and where a speed is NaN: always at the last step.

    `poses`: x, y, heading of centres in the world frame, from the step before the first of T on;
    speeds are planar. `pairs` of `evaluated` agents with rows of A. Only the agents ahead must be
    `valid`, and without it all are.
    """
    ego, other = evaluated[pairs.ego], pairs.other
    own = poses[:, evaluated, :, 1:]
    cos, sin = (-own[2]).cos(), (-own[2]).sin()
    speed = linear_speed(*poses[:2, evaluated])[..., 1:]
    half_length = size[:, 0] / 2
    outer = torch.hypot(size[:, 0], size[:, 1]) / 2

    # Nobody matters whom the agent does not reach within five seconds even if he stands still, and
    # an agent without a speed reaches nobody. That and centres alone rule most pairs out.
    reach = (
        speed * (LONGEST * (1 + 1e-3)) + half_length[evaluated, None, None] + _SLACK
    ).nan_to_num(-torch.inf)
    x, y, turn = (poses.index_select(1, other) - poses.index_select(1, ego))[..., 1:]
    cosines, sines = cos.index_select(0, pairs.ego), sin.index_select(0, pairs.ego)
    ahead, aside = rotate(x, y, cosines, sines)
    turn = turn.abs()
    near = (ahead > half_length[ego][:, None, None]) & (turn <= _HEADING)
    near &= ahead - outer[other][:, None, None] <= reach.index_select(0, pairs.ego)
    near &= aside.abs() <= (outer[other] + size[ego, 1] / 2 + _SLACK)[:, None, None]
    if valid is not None:
        near &= valid[other][:, None]
    pair, step = near.flatten(1).nonzero(as_tuple=True)

    slots = near.shape[1] * near.shape[2]
    flat = pair * slots + step
    turn, rx, ry = (values.flatten()[flat] for values in (turn, ahead, aside))
    along, across = turn.cos().abs(), turn.sin().abs()
    one, two = ego[pair], other[pair]
    length, width = size[two, 0], size[two, 1]
    gap = rx - half_length[one] - (length / 2 * along + width / 2 * across)
    overlap = ry.abs() - size[one, 1] / 2 - (length / 2 * across + width / 2 * along)
    follows = (gap > 0) & (overlap < 0) & ((overlap < _SMALL_OVERLAP) | (turn <= _SMALL_HEADING))
    pair, step, gap = pair[follows], step[follows], gap[follows]

    # The first of the nearest, as argmin would have it, without relying on its order among equals.
    shape = speed.shape
    slot = pairs.ego[pair] * slots + step
    least = gap.new_full((len(evaluated) * slots,), _FAR).scatter_reduce_(0, slot, gap, "amin")
    nobody = len(size)
    candidate = other[pair].where(gap == least[slot], nobody)
    leader = other.new_full(least.shape, nobody).scatter_reduce_(0, slot, candidate, "amin")
    led = (leader < nobody).nonzero()[:, 0]
    leader, step = leader[led], led % slots

    # Speeds of leaders alone: from their positions at the steps before and after.
    seconds = least.new_full(least.shape, LONGEST)
    rollout, step = step // shape[2], step % shape[2]
    step = step.clamp(max=shape[2] - 2)
    around = [
        poses[:2].flatten(1).index_select(1, (leader * shape[1] + rollout) * (shape[2] + 1) + at)
        for at in (step, step + 1, step + 2)
    ]
    other_speed = linear_speed(*torch.stack(around, dim=-1))[..., 1]
    closing = speed.flatten()[led] - other_speed
    reached = (least[led] / closing).clamp(max=LONGEST)
    seconds[led] = reached.where(closing > 0, LONGEST)
    return seconds.view(shape)
