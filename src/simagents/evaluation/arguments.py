"""Arguments that the commands which roll out systems have in common."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from simagents.tokens.scene import TokenStore
from simagents.tokens.vocabulary import Vocabulary


@dataclass(kw_only=True)
class SceneArgs:
    """Scenes, what a system that acts by tokens needs to read them, and where to compute."""

    scenarios: list[Path]
    """cached shards, a folder or a list of them (.txt)"""
    tokens: list[Path] | None = None
    """the same shards, tokenised; for systems that act by tokens"""
    vocabulary: Path | None = None
    """of the tokens"""
    device: str = "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def vocabulary_there(self) -> Vocabulary | None:
        """On the device; None for systems that act by no tokens."""
        if self.vocabulary is None:
            return None
        return Vocabulary.read(self.vocabulary).to(torch.device(self.device))

    def read_tokens(self, ids: list[str]) -> TokenStore | None:
        """Of the scenarios with these ids. Raises InputError where scenarios, tokens and vocabulary do not belong
        together."""
        return TokenStore.beside(ids, self.tokens, self.vocabulary_there)
