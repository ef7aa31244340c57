"""The rules that make motion vocabularies, by the names that the configuration gives them."""

from dataclasses import dataclass

import numpy as np

from simagents.config import tokenizers
from simagents.config.keys import module_of, read_as
from simagents.files import read_object
from simagents.tokens.motions import Motions


@dataclass(frozen=True)
class Tokenizer:
    """A rule with its numbers.

    The code of a rule is the function `tokens` of the module that is named like it, here or beside
    the settings of a rule of your own.
    """

    settings: tokenizers.TokenizerSettings

    @property
    def size(self) -> int:
        """Tokens per class at most; 0 for a rule whose vocabulary has the size that the data give it."""
        return getattr(self.settings, "size", 0)

    def tokens(self, motions: Motions, agent_class: int, generator: np.random.Generator) -> Motions:
        """The tokens of one class, from motions of that class; the first is standing still."""
        rule = module_of(self.settings, "simagents.tokens", "rule")
        return rule.tokens(self.settings, motions, agent_class, generator)


def tokenizer_of(text: str) -> Tokenizer:
    """From JSON: `rule` and the numbers of that rule. Raises InputError naming the key that is wrong."""
    content = read_object(text, "--tokenizer", dict)
    return Tokenizer(read_as(tokenizers.Tokenizer, content, "--tokenizer"))
