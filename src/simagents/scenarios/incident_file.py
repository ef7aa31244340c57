"""Collisions and departures from the road at rest, beside the rollouts in which they happen.

Three arrays for each scenario, found by its id, with agents in the order of `Scenario.simulated`:

    ID.object_id   int64 [A]          whose they are
    ID.collision   bool [R, A, 80]    at which simulated steps the agent overlaps another one
    ID.off_road    bool [R, A, 80]    at which the agent is off the road

The metric decides both (`metrics/incidents.py`), so pictures never have a definition of their own.
It judges the agents that it scores, at the steps at which the log sees them; elsewhere the arrays
hold False.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from simagents.errors import InputError
from simagents.files import replacing
from simagents.scenarios.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Incidents:
    """By rollout, simulated agent and simulated step.

    False for agents that the metric does not score, and where the log does not see them.
    """

    collision: Bool[np.ndarray, "R A 80"]
    off_road: Bool[np.ndarray, "R A 80"]


def write_incidents(path: Path, found: Iterable[tuple[Scenario, Incidents]]) -> None:
    """One file of several scenarios, which appears whole."""
    arrays = {}
    for scenario, incidents in found:
        arrays[f"{scenario.id}.object_id"] = scenario.agent_id[scenario.simulated]
        arrays[f"{scenario.id}.collision"] = incidents.collision
        arrays[f"{scenario.id}.off_road"] = incidents.off_road
    with replacing(path) as temporary:
        save_file(arrays, temporary, metadata={"format": "simagents incidents"})


def read_incidents(path: Path, scenario: Scenario) -> Incidents:
    """Of one scenario. Raises InputError where the file lacks it or is of other agents."""
    try:
        with safe_open(path, framework="numpy") as file:
            object_id, collision, off_road = (
                file.get_tensor(f"{scenario.id}.{name}")
                for name in ("object_id", "collision", "off_road")
            )
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except SafetensorError as problem:
        raise InputError(
            f"{path}: no incidents of scenario {scenario.id} ({problem}); make the file again with"
            " `simagents incidents`."
        ) from None
    if not np.array_equal(object_id, scenario.agent_id[scenario.simulated]):
        raise InputError(
            f"{path}: scenario {scenario.id} has other agents; give the shards that were evaluated."
        )
    return Incidents(collision, off_road)
