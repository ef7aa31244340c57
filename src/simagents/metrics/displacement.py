"""How far simulated agents end up from the logged ones."""

from jaxtyping import Bool, Float32
from torch import Tensor

from simagents.metrics.rounding import root


def average_displacement(
    simulated: Float32[Tensor, "3 E R T"],
    logged: Float32[Tensor, "3 E T"],
    valid: Bool[Tensor, "E T"],
) -> Float32[Tensor, "E R"]:
    """Mean distance of each agent from its log in each rollout, in metres.

    Waymo Open Sim Agents Challenge 2025, official evaluator 1.6.7: distances are three-dimensional
    and averaged over the steps in which the log saw the agent. The official code counts the history
    steps too, where the error is zero: pass T = 91 to compare with the leaderboard.

    The first axis is x, y, z in the world frame. An agent that the log never saw: NaN.
    """
    distance = root(((simulated - logged[:, :, None]) ** 2).sum(dim=0))
    return distance.where(valid[:, None], 0).sum(dim=-1) / valid.sum(dim=-1)[:, None]
