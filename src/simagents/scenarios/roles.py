"""Which agents a model may learn from, and which may have goals."""

import numpy as np
from jaxtyping import Bool, Float

from simagents.scenarios.scenario import CURRENT, Scenario

TRAINED_WITHIN = 100.0
"""Metres from the SDC within which agents without a role may be trained on (SMART)."""
CONTEXT_WITHIN = 150.0
"""Metres from the SDC beyond which training does not see an agent (SMART)."""
ENOUGH_FUTURE = 5
"""Log steps in the future, valid and within CONTEXT_WITHIN, that an agent without a role needs to
be trained on (CAT-K)."""


def has_role(scenario: Scenario) -> Bool[np.ndarray, "N"]:
    """The SDC, agents to predict, objects of interest; of the simulated agents."""
    role = scenario.to_predict | scenario.of_interest
    role[scenario.sdc] = True
    return role[scenario.simulated]


def trainable(
    scenario: Scenario,
    distance: Float[np.ndarray, "N T"],
    valid: Bool[np.ndarray, "N T"],
) -> Bool[np.ndarray, "N"]:
    """Agents with a role, and those near the SDC with enough of a future.

    `distance` is each simulated agent's from the SDC at every step (m, heights included), `valid`
    where it is seen.
    """
    future = (valid & (distance < CONTEXT_WITHIN))[:, CURRENT + 1 :].sum(axis=1)
    enough = (distance[:, CURRENT] < TRAINED_WITHIN) & (future >= ENOUGH_FUTURE)
    return has_role(scenario) | enough


def trainable_by_log(scenario: Scenario) -> Bool[np.ndarray, "N"]:
    """`trainable` by the raw log, for models that clean no tracks."""
    rows, sdc = scenario.simulated, scenario.sdc
    position = scenario.position[rows].astype(np.float64)
    distance = np.linalg.norm(position - scenario.position[sdc].astype(np.float64), axis=-1)
    return trainable(scenario, distance, scenario.valid[rows] & scenario.valid[sdc])


def may_have_goal(scenario: Scenario) -> Bool[np.ndarray, "N"]:
    """The SDC and the agents to predict, which the metric scores; of the simulated agents."""
    role = scenario.to_predict.copy()
    role[scenario.sdc] = True
    return role[scenario.simulated]
