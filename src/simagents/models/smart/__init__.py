"""SMART (Wu et al. 2024, arXiv:2405.15677): next-token prediction over tokenised scenes."""

from collections.abc import Sequence

from torch import nn

from simagents.config.models import Smart as SmartSettings
from simagents.models.smart.network import Smart
from simagents.models.smart.scenes import TokenBatch, token_batch
from simagents.scenarios.scenario import Scenario
from simagents.tokens.scene import TokenScene
from simagents.tokens.vocabulary import Vocabulary

READS_MAP = False
"""Map pieces come with the tokenised scenes."""


def build(settings: SmartSettings, vocabulary: Vocabulary) -> nn.Module:
    """The policy, freshly initialised."""
    return Smart(settings, vocabulary)


def represent(scenarios: Sequence[Scenario], tokens: Sequence[TokenScene]) -> TokenBatch:
    """What the network reads of these scenes."""
    return token_batch(tokens)
