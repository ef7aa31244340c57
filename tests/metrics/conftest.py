"""A street to drive on, for tests of the metric that work by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from simagents.scenarios.scenario import (
    STEPS,
    AgentType,
    LaneType,
    LightState,
    MapKind,
    RoadEdgeType,
    Scenario,
)

SOUTH = [(-100.0, -6.0, 0.0), (200.0, -6.0, 0.0)]
NORTH = [(200.0, 6.0, 0.0), (-100.0, 6.0, 0.0)]
"""Edges of an eastbound street 12 m wide; each has the road on its left."""


def street(
    start=((0.0, 0.0),),
    speed=(10.0,),
    types=(AgentType.VEHICLE,),
    edges=(SOUTH, NORTH),
    lanes=(((-100.0, 0.0, 0.0), (200.0, 0.0, 0.0)),),
    stop: float | None = None,
    state: LightState = LightState.STOP,
) -> Scenario:
    """Agents of 4 x 2 x 1.5 m driving east at constant speed; all are evaluated, the first records.

    `start` is where they are at step 0. A light at x = `stop` shows `state` to the first lane.
    """
    agents = len(start)
    seconds = np.arange(STEPS) / 10
    position = np.zeros((agents, STEPS, 3), np.float32)
    position[:, :, :2] = np.array(start)[:, None]
    position[:, :, 0] += np.array(speed)[:, None] * seconds
    position[:, :, 2] = 0.75
    lines = [np.array(line, np.float32) for line in (*lanes, *edges)]
    lights = int(stop is not None)
    return Scenario(
        id="street",
        sdc=0,
        agent_id=np.arange(agents) + 100,
        agent_type=np.array(types, np.uint8),
        to_predict=np.ones(agents, bool),
        of_interest=np.zeros(agents, bool),
        position=position,
        heading=np.zeros((agents, STEPS), np.float32),
        velocity=np.zeros((agents, STEPS, 2), np.float32),
        valid=np.ones((agents, STEPS), bool),
        size=np.tile(np.array([4, 2, 1.5], np.float32), (agents, 1)),
        mean_size=np.tile(np.array([4, 2, 1.5], np.float32), (agents, 1)),
        map_id=np.arange(len(lines)) + 500,
        map_kind=np.array([MapKind.LANE] * len(lanes) + [MapKind.ROAD_EDGE] * len(edges), np.uint8),
        map_type=np.array(
            [LaneType.SURFACE_STREET] * len(lanes) + [RoadEdgeType.BOUNDARY] * len(edges), np.uint8
        ),
        map_start=np.cumsum([0, *(len(line) for line in lines)]),
        map_point=np.concatenate([*lines, np.zeros((0, 3), np.float32)]),
        speed_limit=np.zeros(len(lines), np.float32),
        link=np.zeros((0, 3), np.int64),
        light_lane=np.full(lights, 500),
        light_state=np.full((lights, STEPS), state, np.int8),
        light_stop=np.tile(np.array([stop or 0, 0, 0], np.float32), (lights, STEPS, 1)),
    )


def as_rollouts(scenario: Scenario, count: int = 1, noise: float = 0.0) -> torch.Tensor:
    """The log as rollouts [R, A, 80, 4]; `noise` is a deviation in metres and tenths of radians."""
    rows = scenario.simulated
    log = np.concatenate([scenario.position[rows], scenario.heading[rows, :, None]], axis=-1)
    rollouts = torch.from_numpy(log[:, 11:]).expand(count, -1, -1, -1).clone()
    scale = torch.tensor([1, 1, 0.1, 0.1]) * noise
    return rollouts + torch.randn(rollouts.shape, generator=torch.manual_seed(0)) * scale


@pytest.fixture(name="street", scope="session")
def _street() -> Callable[..., Scenario]:
    return street


@pytest.fixture(name="as_rollouts", scope="session")
def _as_rollouts() -> Callable[..., torch.Tensor]:
    return as_rollouts
