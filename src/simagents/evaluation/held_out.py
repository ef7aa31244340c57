"""A run's policy and the held-out training scenes: what measurements before training read."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenScene, TokenStore
from simagents.tokens.vocabulary import Vocabulary


@dataclass
class HeldOutArgs:
    """Arguments of a measurement of one run's policy on training scenes that no run trains on."""

    recipe: Path
    weights: Path
    scenarios: list[Path]
    """cached training shards, or a list of them (.txt)"""
    settings: str
    """JSON"""
    out: Path
    """what was measured"""
    tokens: list[Path] | None = None
    """the same shards, tokenised; for models that read tokens"""
    vocabulary: Path | None = None
    """of the tokens"""
    device: str = "cuda" if torch.cuda.is_available() else "cpu"

    def read_vocabulary(self) -> Vocabulary | None:
        """On the device; None for models that read no tokens."""
        if self.vocabulary is None:
            return None
        return Vocabulary.read(self.vocabulary).to(torch.device(self.device))


class HeldOutScenes:
    """The training scenes behind these arguments, of which the first ones are held out."""

    def __init__(self, args: HeldOutArgs):
        self._scenarios = ScenarioStore(args.scenarios)
        self._tokens = TokenStore.beside(self._scenarios.ids, args.tokens)

    def __len__(self) -> int:
        """Training scenes in all."""
        return len(self._scenarios)

    def scorable(
        self, count: int, purpose: str, title: str
    ) -> Iterator[tuple[Scenario, TokenScene | None]]:
        """Those of the first `count` that the metric can score, with a progress bar.

        Prints how many it cannot. Raises InputError where nothing is left for the purpose.
        """
        rows, left_out = self._scenarios.scorable(range(count), "held-out scenes", purpose)
        if left_out:
            print(left_out, file=sys.stderr)
        for row in tqdm(rows.tolist(), desc=title, unit="scenario"):
            yield self._scenarios[row], None if self._tokens is None else self._tokens[row]
