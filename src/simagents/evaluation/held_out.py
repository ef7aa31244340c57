"""A run's policy and the held-out training scenes: what measurements before training read."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from simagents.evaluation.arguments import SceneArgs
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import TokenScene


@dataclass(kw_only=True)
class HeldOutArgs(SceneArgs):
    """Arguments of a measurement of one run's policy on training scenes that no run trains on."""

    scenarios: list[Path]
    """cached shards of training scenes, a folder or a list of them (.txt)"""
    recipe: Path
    weights: Path
    settings: str
    """JSON"""
    out: Path
    """what was measured"""


class HeldOutScenes:
    """The training scenes behind these arguments, of which the first ones are held out."""

    def __init__(self, args: HeldOutArgs):
        self._scenarios = ScenarioStore(args.scenarios)
        self._tokens = args.read_tokens(self._scenarios.ids)

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
