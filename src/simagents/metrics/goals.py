"""Whether agents arrive at their goals. No part of the official metric."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor

RADIUS = 2.0
"""Metres from a goal within which it counts as reached (RLFTSim, arXiv:2605.19033)."""


def within(
    place: Float[Tensor, "*N T 2"], goal: Float[Tensor, "*#N 2"], radius: float = RADIUS
) -> Bool[Tensor, "*N T"]:
    """At which steps agents are within `radius` metres of their goals, both in one frame.

    Never of a goal that is NaN.
    """
    return (place - goal[..., None, :]).norm(dim=-1) <= radius


def passed(near: Bool[Tensor, "*N T"]) -> Bool[Tensor, "*N"]:
    """The soft criterion: within the radius at any step."""
    return near.any(dim=-1)


def reached(near: Bool[Tensor, "*N T"]) -> Bool[Tensor, "*N"]:
    """The hard criterion: within the radius at the last step."""
    return near[..., -1]


def goal_scores(
    trajectories: Float32[Tensor, "R A 80 4"],
    goals: Float64[np.ndarray, "A 2"],
) -> dict[str, float]:
    """Counts of one scenario's goals, so that ratios of sums over scenarios are over agents.

    `goals` are metres in the world frame, NaN for agents without one, which do not count. Reached,
    passed and missed (not passed) are means over rollouts of the number of agents;
    `goal_missed_by_all` counts those that pass their goal in no rollout. Steps are the 80 simulated ones.
    """
    scored = torch.from_numpy(~np.isnan(goals).any(axis=1))
    goal = torch.from_numpy(goals)[scored]
    near = within(trajectories[:, scored.to(trajectories.device), :, :2].double().cpu(), goal)
    on_the_way, at_the_end = passed(near), reached(near)
    return {
        "goal_agents": float(scored.sum()),
        "goal_reached": float(at_the_end.double().mean(dim=0).sum()),
        "goal_passed": float(on_the_way.double().mean(dim=0).sum()),
        "goal_missed": float((~on_the_way).double().mean(dim=0).sum()),
        "goal_missed_by_all": float((~on_the_way.any(dim=0)).sum()),
    }
