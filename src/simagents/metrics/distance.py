"""How far agents drive: what tells a policy that drives well from one that drives less."""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.scenarios.scenario import CURRENT, Scenario


def metres_driven(
    scenario: Scenario, trajectories: Float32[Tensor, "R A 80 4"]
) -> dict[str, float]:
    """Metres that the scored agents drive in the 8 s, in sum: simulated (a mean over rollouts) and
    logged.

    Paths are lengths in the plane from the current step on. Both count only the steps at whose ends
    the log sees the agent, so that the ratio of the two is 1 for the log itself. No part of the
    official metric. Agents of `trajectories` are those of `Scenario.simulated`.
    """
    rows = scenario.simulated
    scored = np.isin(rows, scenario.evaluated)
    rows = rows[scored]
    place = torch.from_numpy(scenario.position[rows, CURRENT:, :2]).double()
    valid = torch.from_numpy(scenario.valid[rows, CURRENT:])
    simulated = trajectories[:, torch.from_numpy(scored), :, :2].double().cpu()
    start = place[None, :, :1].expand(len(simulated), -1, -1, -1)
    both = valid[:, 1:] & valid[:, :-1]
    lengths = torch.cat([start, simulated], dim=2).diff(dim=2).norm(dim=-1)
    logged = place.diff(dim=1).norm(dim=-1)
    return {
        "simulated_distance": float(lengths.where(both, 0.0).sum(dim=(1, 2)).mean()),
        "logged_distance": float(logged.where(both, 0.0).sum()),
    }
