"""A tiny forecaster, and scenes as it reads them."""

import pytest
import torch

from simagents.config.models import Forecasts as ForecastsSettings
from simagents.models.families import SceneReader
from simagents.models.forecasts.network import Forecaster
from simagents.scenarios.synthetic import generate_scenario


@pytest.fixture(scope="session")
def forecaster_of(tiny_forecasts):
    """A forecaster with some settings changed."""

    def made(**changes):
        torch.manual_seed(0)
        return Forecaster(ForecastsSettings(**{**tiny_forecasts, **changes})).eval()

    return made


@pytest.fixture(scope="session")
def forecaster(forecaster_of):
    return forecaster_of()


@pytest.fixture(scope="session")
def forecast_scenes(tiny_forecasts):
    """Two synthetic scenes with 8 and 10 agents of all classes."""
    read = SceneReader(ForecastsSettings(**tiny_forecasts))
    return read([generate_scenario(5, index) for index in (2, 7)])
