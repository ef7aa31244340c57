"""MotionLM (Seff et al. 2023, arXiv:2309.16534) as a policy of whole scenes (Peng et al. 2024, arXiv:2409.18343)."""

from collections.abc import Sequence

from torch import nn

from simagents.config.models import MotionLM as MotionLMSettings
from simagents.models.motionlm.network import MotionLM
from simagents.scenarios.scenario import Scenario

READS_MAP = True


def build(settings: MotionLMSettings, vocabulary: None) -> nn.Module:
    """The policy, freshly initialised. The vocabulary is None, because actions are a fixed grid."""
    return MotionLM(settings)


def represent(scenarios: Sequence[Scenario], tokens: None) -> None:
    """None: the network reads only what every SceneBatch holds."""
