"""Time until an agent runs into the one that it follows."""

from math import radians

from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.geometry import rotate

LONGEST = 5.0  # seconds
_FAR = 1e10
_HEADING = radians(75.0)
_SMALL_HEADING = radians(10.0)
_SMALL_OVERLAP = -0.5  # metres


def time_to_collision(
    poses: Float32[Tensor, "4 R A T"],
    speed: Float32[Tensor, "R A T"],
    size: Float32[Tensor, "A 3"],
    evaluated: Int64[Tensor, "E"],
    valid: Bool[Tensor, "A T"],
) -> Float32[Tensor, "R E T"]:
    """Seconds until each evaluated agent reaches the one ahead at their present speeds, at most 5.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7. The one ahead is the nearest
    along the agent's axis among those that it follows: boxes (with sharp corners) overlap sideways
    and headings differ by at most 75 degrees, or 10 where the overlap is half a metre or less.
    The official code does not wrap the difference of headings, so agents on either side of
    +-180 degrees do not follow each other. 5 where nobody is ahead, where the gap does not close,
    and where a speed is NaN: always at the last step.

    `poses`: x, y, z, heading of centres in the world frame; `speed` in the plane, m/s. Only the
    agents ahead must be `valid`.
    """
    x, y, _, heading = poses
    ex, ey, eh = x[:, evaluated, None], y[:, evaluated, None], heading[:, evaluated, None]
    cos, sin = (-eh).cos(), (-eh).sin()
    half_length = size[:, 0] / 2

    # Centre distances alone rule most pairs out; the trigonometry of the others' boxes is dear.
    ahead = rotate(x[:, None] - ex, y[:, None] - ey, cos, sin)[0]
    near = valid & (ahead > half_length[evaluated, None, None])
    near &= (heading[:, None] - eh).abs() <= _HEADING
    rollout, agent, other, step = near.nonzero(as_tuple=True)
    ego = evaluated[agent]

    turn = (heading[rollout, other, step] - heading[rollout, ego, step]).abs()
    along, across = turn.cos().abs(), turn.sin().abs()
    length, width = size[other, 0], size[other, 1]
    rx, ry = rotate(
        x[rollout, other, step] - x[rollout, ego, step],
        y[rollout, other, step] - y[rollout, ego, step],
        cos[rollout, agent, 0, step],
        sin[rollout, agent, 0, step],
    )
    gap = rx - half_length[ego] - (length / 2 * along + width / 2 * across)
    overlap = ry.abs() - size[ego, 1] / 2 - (length / 2 * across + width / 2 * along)
    follows = (gap > 0) & (overlap < 0) & ((overlap < _SMALL_OVERLAP) | (turn <= _SMALL_HEADING))
    rollout, agent, other, step, gap = (
        pairs[follows] for pairs in (rollout, agent, other, step, gap)
    )

    # The first of the nearest, as argmin would have it, without relying on its order among equals.
    shape = (poses.shape[1], len(evaluated), poses.shape[3])
    slot = (rollout * shape[1] + agent) * shape[2] + step
    slots = shape[0] * shape[1] * shape[2]
    least = gap.new_full((slots,), _FAR).scatter_reduce(0, slot, gap, "amin")
    nobody = len(size)
    candidate = other.where(gap == least[slot], nobody)
    leader = other.new_full((slots,), nobody).scatter_reduce(0, slot, candidate, "amin")
    leader = leader.view(shape)

    ahead_speed = speed.gather(1, leader.clamp(max=nobody - 1))
    closing = speed[:, evaluated] - ahead_speed
    seconds = (least.view(shape) / closing).clamp(max=LONGEST)
    return seconds.where((leader < nobody) & (closing > 0), LONGEST)
