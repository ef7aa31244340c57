"""The planner of docs/extending.md: it plugs in by its import path."""

from dataclasses import replace

import numpy as np
import pytest

from simagents.evaluation.rank_planners import planner_of
from simagents.models.scenes import collate
from simagents.planners.closed_loop import drive_planners
from simagents.planners.surroundings import Surroundings
from simagents.scenarios.scenario import AgentType
from simagents.simulation.rules import StandStill


def test_it_stops_behind_a_standing_vehicle_and_drives_on_an_empty_street(installed, street):
    """At 8 m/s from x = 8 m, braking by 3 m/s² takes 10.7 m; it brakes where the other is 21 m ahead."""
    planner = planner_of("simagents.extensions.gentle:Gentle")
    for others, crashes in ((((45.0, 0.0),), 0), ((), 0)):
        start = ((0.0, 0.0), *others)
        scenario = street(
            start=start, speed=(8, *[0] * len(others)), types=(AgentType.VEHICLE,) * len(start)
        )
        velocity = np.zeros_like(scenario.velocity)
        velocity[0, :, 0] = 8
        scenario = replace(scenario, velocity=velocity)
        (found,) = drive_planners(
            collate([scenario]), [Surroundings.of(scenario)], [planner], StandStill(), 2
        )
        assert found.returns.collision.tolist() == [crashes] * 2
        driven = found.returns.progress[0].item()
        assert driven == pytest.approx(64, abs=1e-3) if not others else 20 < driven < 37 - 4
