"""Proximal policy optimisation (PPO)."""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.clipping import clipped_gain
from simagents.algorithms.weights import weighted

Tokens = Float[Tensor, "S R A T"]


def ppo_loss(
    logp: Tokens,
    logp_old: Tokens,
    value: Tokens,
    advantage: Tokens,
    returns: Tokens,
    divergence: Tokens,
    weight: Tokens,
    *,
    clip: float,
    value_weight: float,
    beta: float,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Clipped policy gradient with a learned baseline, and the regression of that baseline.

    Schulman et al. 2017, arXiv:1707.06347, Eq. 9, without the entropy bonus; the divergence from
    the parent is a term of the loss, not of the reward. SMART-R1 compares with PPO and prints none
    of its settings, so all are our choice: the rollout's reward comes with the last token, to every
    agent; advantages by `gae.py`, whitened over the global batch; the value is not clipped.

    S scenes, R rollouts of each, A agents, T tokens. `logp_old`, `advantage` and `returns` are from
    when the rollouts were sampled and stay the same in all passes over them.
    """
    gain, clipped = clipped_gain(logp, logp_old, advantage, clip)
    error = (value - returns).square()
    loss = weighted(weight, beta * divergence + value_weight * error - gain)
    with torch.no_grad():
        stats = {
            "clipped": weighted(weight, clipped),
            "value": weighted(weight, value),
            "value_error": weighted(weight, error),
        }
    return loss, stats
