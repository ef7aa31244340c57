"""Credit for reaching goals, and the weight of what is learned in hindsight.

RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033), goal-conditioned fine-tuning. S scenes, R rollouts of
each, F actions.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit.rloo import leave_one_out


def goal_credit(reached: Float[Tensor, "S R"]) -> Float[Tensor, "S R"]:
    """g_i - 1/(R - 1) Σ_{j≠i} g_j, for g the share of a scene's goals that a rollout reaches.

    Without the baseline every credit would be positive (our choice).
    """
    return leave_one_out(reached)


def balanced(
    realism: Float[Tensor, "S R 1 1"], goals: Float[Tensor, "S R"], weight: float
) -> Float[Tensor, "S R 1 1"]:
    """(1 - λ) A_i + λ G_i: the balanced reward as an advantage, with λ = `weight`."""
    return (1 - weight) * realism + weight * goals[:, :, None, None]


def hindsight_ratio(
    logp: Float[Tensor, "*N F"], logp_given: Float[Tensor, "*N F"]
) -> Float[Tensor, "*N"]:
    """π(S | new goal) / π(S | given goal) of an agent's actions in a rollout, without a gradient.

    Actions S were drawn under the given goal, and weighted by this ratio their mean is one over
    actions drawn under the new goal: Σ_S π(S|x) [π(S|x̂) / π(S|x)] f(S) = Σ_S π(S|x̂) f(S).
    """
    with torch.no_grad():
        return (logp - logp_given).double().sum(dim=-1).exp().to(logp.dtype)
