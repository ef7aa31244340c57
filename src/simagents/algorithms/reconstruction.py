"""Learning to live through the log again: regression along a rollout, and a bottleneck for its latents."""

import torch
from jaxtyping import Float
from torch import Tensor


def state_errors(
    pose: Float[Tensor, "*N 3"],
    velocity: Float[Tensor, "*N 2"],
    logged_pose: Float[Tensor, "*N 3"],
    logged_velocity: Float[Tensor, "*N 2"],
) -> dict[str, Float[Tensor, "*N"]]:
    """`position`: smooth L1 of the distance (m); `heading`: 1 - cos of the difference; `speed`: smooth
    L1 of the difference (m/s).

    The three terms of TrafficBots (Zhang et al. 2023, arXiv:2303.04116, Section IV). Distances are in the
    plane, so that no term depends on how a scene is turned. Smooth L1 is d² / 2 below 1 and d - 1/2 above.
    """
    away = (pose[..., :2] - logged_pose[..., :2]).square().sum(dim=-1)
    faster = _length(velocity) - _length(logged_velocity)
    return {
        "position": _smooth(away.clamp(min=1e-12).sqrt()),
        "heading": 1 - (pose[..., 2] - logged_pose[..., 2]).cos(),
        "speed": _smooth(faster.abs()),
    }


def balanced_divergence(
    towards_prior: Float[Tensor, "*N"],
    towards_posterior: Float[Tensor, "*N"],
    *,
    balance: float,
    free: float,
) -> Float[Tensor, "*N"]:
    """max(KL(posterior‖prior), free), with its gradient shared out (Hafner et al. 2021, DreamerV2, Alg. 2).

    Both arguments are that divergence: the first with a gradient to the posterior alone, which gets
    the share `balance`, the second with one to the prior alone, which gets the rest. Where it is below
    the `free` nats it has no gradient.
    """
    return balance * towards_prior.clamp(min=free) + (1 - balance) * towards_posterior.clamp(
        min=free
    )


def _length(vector: Float[Tensor, "*N 2"]) -> Float[Tensor, "*N"]:
    return vector.square().sum(dim=-1).clamp(min=1e-12).sqrt()


def _smooth(distance: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    return torch.where(distance < 1, 0.5 * distance.square(), distance - 0.5)
