"""A tiny forecaster, and scenes as it reads them."""

import pytest
import torch

from simagents.config.models import Forecasts as ForecastsSettings
from simagents.models.families import SceneReader
from simagents.models.forecasts.network import Forecaster
from simagents.scenarios.synthetic import generate_scenario

TINY = dict(
    family="forecasts", width=16, heads=2, bands=4, piece_metres=20.0, piece_nodes=4, map_layers=0,
    map_neighbours=4, agent_layers=1, nearest_pieces=6, nearest_agents=4, modes=3, members=2,
    executed="drawn",
)  # fmt: skip


@pytest.fixture(scope="session")
def forecaster_of():
    """A forecaster with some settings changed."""

    def made(**changes):
        torch.manual_seed(0)
        return Forecaster(ForecastsSettings(**{**TINY, **changes})).eval()

    return made


@pytest.fixture(scope="session")
def forecaster(forecaster_of):
    return forecaster_of()


@pytest.fixture(scope="session")
def forecast_scenes():
    """Two synthetic scenes with 8 and 10 agents of all classes."""
    read = SceneReader(ForecastsSettings(**TINY))
    return read([generate_scenario(5, index) for index in (2, 7)])
