"""Poses -> chains of motion tokens, greedily, along the tokenised path."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from simagents.geometry import box_corners, to_local, to_world
from simagents.scenarios.agent_class import REFERENCE_SIZE
from simagents.tokens.vocabulary import TOKEN_STEPS, Vocabulary


def corner_distance(
    vocabulary: Vocabulary,
    agent_class: Int64[Tensor, "N"],
    start: Float[Tensor, "N 3"],
    goal: Float[Tensor, "N 3"],
) -> Float[Tensor, "N V"]:
    """Mean distance (m) of the four box corners at `goal` from those at the end of every token.

    Tokens are laid at `start`; boxes have the reference size of the class, not the agent's own.
    Padding tokens are infinitely far.
    """
    size = torch.tensor(REFERENCE_SIZE, device=start.device, dtype=start.dtype)[agent_class]
    target = box_corners(to_local(goal, start), size[:, 0], size[:, 1])
    end_box = vocabulary.end_box.to(start.dtype)[agent_class]
    distance = (end_box - target[:, None]).norm(dim=-1).mean(dim=-1)
    return distance.masked_fill(vocabulary.absent[agent_class], torch.inf)


def nearest(distance: Float[Tensor, "N V"], step: int) -> Int64[Tensor, "N"]:
    """The nearest token, at every step."""
    return distance.argmin(dim=-1)


def token_chain(
    vocabulary: Vocabulary,
    agent_class: Int64[Tensor, "A"],
    pose: Float[Tensor, "A B 3"],
    valid: Bool[Tensor, "A B"],
    choose: Callable[[Tensor, int], Tensor] = nearest,
) -> tuple[Int64[Tensor, "A T"], Float[Tensor, "A T 3"], Bool[Tensor, "A T"]]:
    """Tokens, the poses they lead to, and where both ends of a token were seen.

    SMART (Wu et al. 2024, arXiv:2405.15677), sec. 3.1, without noise: each token is the nearest to
    the logged box as seen from the pose that the tokens so far have led to, so errors do not add
    up. Where the log is broken the chain starts again from the logged pose. Another way to `choose`
    among the tokens by their distances makes another chain.

    B = T + 1 poses 0.5 s apart. Token t leads from boundary t to boundary t + 1.
    """
    agents = torch.arange(len(pose), device=pose.device)
    tokens, path = [], []
    here = pose[:, 0]
    whole = valid[:, 1:] & valid[:, :-1]
    for t in range(TOKEN_STEPS):
        token = choose(corner_distance(vocabulary, agent_class, here, pose[:, t + 1]), t)
        reached = to_world(vocabulary.motion[agent_class[agents], token, -1], here)
        here = torch.where(whole[:, t, None], reached, pose[:, t + 1])
        tokens.append(token)
        path.append(here)
    return torch.stack(tokens, dim=1), torch.stack(path, dim=1), whole
