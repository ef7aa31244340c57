"""Generalised advantage estimation, and the whitening that follows it."""

import torch
from jaxtyping import Float
from torch import Tensor


def advantages(
    reward: Float[Tensor, "*N"],
    value: Float[Tensor, "*N T"],
    *,
    discount: float,
    gae_lambda: float,
) -> tuple[Float[Tensor, "*N T"], Float[Tensor, "*N T"]]:
    """(advantage, return) of every token of paths whose only reward comes with the last token.

    Schulman et al. 2016, arXiv:1506.02438, Eq. 16: δ_t = r_t + γ V_{t+1} - V_t and
    A_t = δ_t + γλ A_{t+1}, backwards from the end, behind which everything is zero. The return that
    V learns is A + V. With γ = λ = 1 it is the reward itself at every token.

    `value` is V before each of the T tokens of a path, without gradient.
    """
    rewards = torch.zeros_like(value)
    rewards[..., -1] = reward
    after = torch.cat([value[..., 1:], torch.zeros_like(value[..., :1])], dim=-1)
    change = rewards + discount * after - value
    advantage = torch.zeros_like(value)
    ahead = torch.zeros_like(reward)
    for step in reversed(range(value.shape[-1])):
        ahead = change[..., step] + discount * gae_lambda * ahead
        advantage[..., step] = ahead
    return advantage, advantage + value


def moments(weight: Float[Tensor, "*N"], term: Float[Tensor, "*N"]) -> Float[Tensor, "3"]:
    """Weight, weighted sum and weighted sum of squares: what parts of a batch add up to."""
    weight, term = weight.double(), torch.where(weight > 0, term, 0.0).double()
    return torch.stack([weight.sum(), (weight * term).sum(), (weight * term.square()).sum()])


def whitened(term: Float[Tensor, "*N"], total: Float[Tensor, "3"]) -> Float[Tensor, "*N"]:
    """`term` with mean 0 and deviation 1 in the batch whose moments are `total`."""
    mean, square = (total[1:] / total[0]).tolist()
    deviation = max(square - mean**2, 0.0) ** 0.5
    return (term - mean) / (deviation + 1e-8)
