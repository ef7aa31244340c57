"""When scored agents collide or leave the road, exactly as the metric counts it."""

import numpy as np
import torch
from jaxtyping import Bool, Float32

from simagents.metrics.scene_features import LoggedScenes
from simagents.scenarios.incident_file import Incidents
from simagents.scenarios.scenario import CURRENT, Scenario


def incidents_of(scenario: Scenario, rollouts: Float32[np.ndarray, "R A 80 4"]) -> Incidents:
    """The per-step features of the agents that are scored, at the steps at which the log sees them.

    So `any` over steps is what the metric's indicators and rates count (`statistics._happened`).
    Rollouts are x, y, z (m), heading (rad) in the world frame, agents in the order of
    `Scenario.simulated`. Raises InputError where the metric is not defined on them.
    """
    scenes = LoggedScenes.of(scenario)
    features = scenes.features(torch.from_numpy(rollouts))
    seen = scenes.valid[scenes.evaluated, CURRENT + 1 :]

    def of_all(of_scored: Bool[torch.Tensor, "R E 80"]) -> Bool[np.ndarray, "R A 80"]:
        among_all = np.zeros(rollouts.shape[:3], dtype=bool)
        among_all[:, scenes.evaluated.numpy()] = (of_scored & seen).numpy()
        return among_all

    return Incidents(of_all(features.collision_per_step), of_all(features.offroad_per_step))
