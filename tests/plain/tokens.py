"""Tokens and targets as published: corner by corner, against the whole vocabulary, in every step.

Corners run clockwise from the left front. A token's first box, before it has moved, is the reference
box of its class.
"""

import torch
from torch import Tensor

from simagents.geometry import wrap_angle
from simagents.scenarios.agent_class import REFERENCE_SIZE
from simagents.tokens.vocabulary import Vocabulary


def corners_of(vocabulary: Vocabulary) -> Tensor:
    """[3, V, 6, 4, 2]: boxes of reference size along every motion."""
    motion = vocabulary.motion
    size = torch.tensor(REFERENCE_SIZE, dtype=motion.dtype, device=motion.device)
    signs = torch.tensor([[1, 1], [1, -1], [-1, -1], [-1, 1]]).to(size) / 2
    box = (signs * size[:, None])[:, None, None].expand(*motion.shape[:3], 4, 2)
    return laid(box.flatten(0, 2), motion.flatten(0, 2)).view_as(box)


def laid(points: Tensor, pose: Tensor) -> Tensor:
    """Points [N, P, 2] of the frame of N poses, in the world."""
    cos, sin = pose[:, None, 2].cos(), pose[:, None, 2].sin()
    x, y = points.unbind(-1)
    turned = torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)
    return turned + pose[:, None, :2]


def poses_of(corners: Tensor) -> Tensor:
    """x, y, heading of boxes [*N, 4, 2]: the mean, and from left back to left front."""
    ahead = corners[..., 0, :] - corners[..., 3, :]
    heading = wrap_angle(torch.atan2(ahead[..., 1], ahead[..., 0]))
    return torch.cat([corners.mean(dim=-2), heading[..., None]], dim=-1)


def walked(motion: Tensor, pose: Tensor) -> Tensor:
    """Poses [N, P, 3] of the frame of N poses, in the world. Who stands still stays to the bit."""
    heading = wrap_angle(motion[..., 2] + pose[:, None, 2])
    return torch.cat([laid(motion[..., :2], pose), heading[..., None]], dim=-1)


def distances(corners: Tensor, kind: Tensor, here: Tensor, goal: Tensor) -> Tensor:
    """[N, V]: mean distance of the corners of every token's end, laid at `here`, from `goal`'s."""
    ends = corners[kind, :, -1]
    ends = laid(ends.flatten(1, 2), here).view_as(ends)
    box = laid(corners[kind, 0, 0], goal)
    return (ends - box[:, None]).norm(dim=-1).mean(dim=-1)


def chain(corners: Tensor, kind: Tensor, logged: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Greedy tokens [A, T] and the poses they lead to, restarted where the log is broken."""
    here, tokens, path = logged[:, 0], [], []
    for t in range(logged.shape[1] - 1):
        token = distances(corners, kind, here, logged[:, t + 1]).argmin(dim=-1)
        reached = poses_of(laid(corners[kind, token, -1], here))
        whole = (seen[:, t] & seen[:, t + 1])[:, None]
        here = torch.where(whole, reached, logged[:, t + 1])
        tokens.append(token)
        path.append(here)
    return torch.stack(tokens, dim=1), torch.stack(path, dim=1)


def targets(corners: Tensor, kind: Tensor, path: Tensor, logged: Tensor) -> Tensor:
    """[A, T - 2]: from where the path stands after tokens 1, 2, … the token nearest to the log."""
    here, there = path[:, 1:-1], logged[:, 3:]
    steps = here.shape[1]
    distance = distances(
        corners, kind.repeat_interleave(steps), here.flatten(0, 1), there.flatten(0, 1)
    )
    return distance.argmin(dim=-1).view(-1, steps)
