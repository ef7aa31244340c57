"""TrafficBots V1.5 (Zhang et al. 2023, arXiv:2303.04116, and 2024, arXiv:2406.10898): a latent-variable
policy of accelerations and yaw rates."""

from collections.abc import Sequence

from torch import nn

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.models.traffic_bots.network import TrafficBots
from simagents.scenarios.scenario import Scenario

READS_MAP = True


def build(settings: TrafficBotsSettings, vocabulary: None) -> nn.Module:
    """The policy, freshly initialised. The vocabulary is None, because the family reads no tokens."""
    return TrafficBots(settings)


def represent(scenarios: Sequence[Scenario], tokens: None) -> None:
    """None: the network reads only what every SceneBatch holds."""
