"""A tiny TrafficBots, and scenes as it reads them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.models.families import SceneReader
from simagents.models.traffic_bots.network import TrafficBots
from simagents.scenarios.synthetic import generate_scenario

TINY = dict(
    family="traffic_bots", width=16, heads=2, bands=4, piece_metres=20.0, piece_nodes=4,
    map_layers=1, map_neighbours=6, agent_layers=2, nearest_pieces=8, nearest_agents=6, look_every=5,
    latent_width=3, destination_radius=100.0, least_deviation=0.01,
)  # fmt: skip


@pytest.fixture(scope="session")
def settings():
    return TrafficBotsSettings(**TINY)


@pytest.fixture
def bots(settings):
    """As it is initialised, with louder weights at its ends, so that everything makes a difference."""
    torch.manual_seed(0)
    policy = TrafficBots(settings).eval()
    with torch.no_grad():
        for layer in (policy.decision.mean, policy.decision.spread):
            layer.weight.mul_(10)
    return policy


@pytest.fixture(scope="session")
def read_bots(settings):
    return SceneReader(settings)


@pytest.fixture(scope="session")
def bot_scenarios():
    """Two synthetic scenarios with 8 and 10 agents of all classes."""
    return [generate_scenario(5, index) for index in (2, 7)]


@pytest.fixture(scope="session")
def bot_scenes(bot_scenarios, read_bots):
    """The two as one."""
    return read_bots(bot_scenarios)


@pytest.fixture(scope="session")
def driving(street):
    """The street's agents with the velocities that they have."""

    def scenario(**changes):
        made = street(**changes)
        speed = np.array(changes.get("speed", (10.0,)), np.float32)
        velocity = np.zeros_like(made.velocity)
        velocity[..., 0] = speed[:, None]
        return replace(made, velocity=velocity)

    return scenario
