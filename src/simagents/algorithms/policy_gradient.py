"""The loss of every policy gradient: a gain, less what holds the policy near its reference."""

from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.weights import weighted

Actions = Float[Tensor, "S R A F"]


def policy_gradient_loss(
    gain: Actions,
    weight: Actions,
    *,
    scale: float | Float[Tensor, "S R 1 1"] = 1.0,
    divergence: Actions | None = None,
    beta: float = 0.0,
    value_error: Actions | None = None,
    value_weight: float = 0.0,
) -> Float[Tensor, ""]:
    """The weighted sum of β divergence + c (V - return)² - scale gain.

    With the on-policy gain and k3 this is MPO (SMART-R1, arXiv:2509.23993, Eq. 5); with the clipped
    gain GRPO (arXiv:2402.03300, Eq. 3) or, with a value head, PPO (arXiv:1707.06347, Eq. 9, without
    its entropy bonus). `weight` is a mean over each rollout's actions, then over rollouts; `scale`
    is 1, or the number of a rollout's actions where their gains are to be summed (RLFTSim). The
    divergence stays a mean over actions either way, so that a target for it has one meaning.

    S scenes, R rollouts of each, A agents, F actions.
    """
    loss = -(scale * gain)
    penalty = None if divergence is None else beta * divergence
    if value_error is not None:
        error = value_weight * value_error
        penalty = error if penalty is None else penalty + error
    return weighted(weight, loss if penalty is None else penalty + loss)
