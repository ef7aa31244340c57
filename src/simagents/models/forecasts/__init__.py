"""One-shot marginal forecasts, made anew after each action: models that do not react to one another."""

from collections.abc import Sequence

from torch import nn

from simagents.config.models import Forecasts as ForecastsSettings
from simagents.models.forecasts.network import Forecaster
from simagents.scenarios.scenario import Scenario

READS_MAP = True


def build(settings: ForecastsSettings, vocabulary: None) -> nn.Module:
    """The policy, freshly initialised. The vocabulary is None, because the family reads no tokens."""
    return Forecaster(settings)


def represent(scenarios: Sequence[Scenario], tokens: None) -> None:
    """None: the network reads only what every SceneBatch holds."""
