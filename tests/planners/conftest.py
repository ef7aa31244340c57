from dataclasses import replace

import numpy as np
import pytest

from simagents.planners.closed_loop import drive_planners
from simagents.planners.surroundings import Surroundings
from simagents.scenarios.scenario import AgentType
from simagents.simulation.rules import LogPlayback


@pytest.fixture(scope="session")
def moving(street):
    """A street whose logged velocities are those of its places: all drive east."""

    def make(start=((0.0, 0.0),), speed=(10.0,), **keys):
        keys.setdefault("types", (AgentType.VEHICLE,) * len(start))
        scenario = street(start=start, speed=speed, **keys)
        velocity = np.zeros_like(scenario.velocity)
        velocity[:, :, 0] = np.array(speed, np.float32)[:, None]
        return replace(scenario, velocity=velocity)

    return make


@pytest.fixture(scope="session")
def driven():
    """Returns of planners in scenes among logged traffic, one for each scene."""
    from simagents.models.scenes import collate

    def drive(scenarios, *planners, traffic=None, rollouts=1, present=None):
        scenes = collate(scenarios)
        surroundings = [Surroundings.of(scenario) for scenario in scenarios]
        parts = drive_planners(
            scenes, surroundings, planners, traffic or LogPlayback(), rollouts, present
        )
        return [part.returns for part in parts]

    return drive
