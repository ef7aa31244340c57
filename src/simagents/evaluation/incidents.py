"""`simagents incidents`: when agents of kept rollouts collide or leave the road, for pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from simagents.metrics.incidents import incidents_of
from simagents.scenarios.incident_file import Incidents, write_incidents
from simagents.scenarios.rollout_file import RolloutFile, as_simulated
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import ScenarioStore


@dataclass
class Args:
    """Judge kept rollouts as the metric does, step by step."""

    rollouts: Path
    """rollout file, such as the pictures of `simagents evaluate`"""
    scenarios: list[Path]
    """cached shards, a folder or a list of them (.txt)"""
    out: Path
    """incidents (.safetensors)"""


def main(args: Args) -> None:
    """Every scenario of the file."""
    write_incidents(args.out, judged(RolloutFile(args.rollouts), ScenarioStore(args.scenarios)))


def judged(kept: RolloutFile, store: ScenarioStore) -> Iterator[tuple[Scenario, Incidents]]:
    """Scenarios with the incidents of their rollouts. Raises InputError for one that is not stored."""
    for name in tqdm(kept.ids, desc="incidents", unit="scenario"):
        scenario = store.named(name, f"{kept.path}")
        rollouts = as_simulated(scenario, *kept.read(name), str(kept.path))
        yield scenario, incidents_of(scenario, rollouts)
