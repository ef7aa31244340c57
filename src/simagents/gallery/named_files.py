"""Rollout files with a name each, as `--rollouts log=FILE bc=FILE` gives them."""

from dataclasses import dataclass
from pathlib import Path

from simagents.errors import InputError
from simagents.metrics.incidents import incidents_of
from simagents.report.kept_rollouts import by_scene, common_scenes
from simagents.scenarios.incident_file import Incidents
from simagents.scenarios.rollout_file import RolloutFile, Trajectories, as_simulated
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import ScenarioStore


@dataclass(frozen=True, eq=False)
class Named:
    """A system's kept rollouts."""

    label: str
    files: dict[str, RolloutFile]
    """by scene"""

    def rollouts(self, scenario: Scenario, most: int = 0) -> Trajectories:
        """Of one scene, at most the first so many (0: all), agents as `Scenario.simulated` has them.

        Raises InputError where agents or shapes are not the scene's.
        """
        kept = self.files[scenario.id].read(scenario.id)
        return as_simulated(scenario, *kept, self.label)[: most or None]

    def judged(self, scenario: Scenario, rollouts: Trajectories) -> Incidents:
        """What the metric says of these; InputError, with the system's name, where it is undefined."""
        try:
            return incidents_of(scenario, rollouts)
        except InputError as problem:
            raise InputError(f"{self.label}, scenario {scenario.id}: {problem}") from None


def named_files(words: list[str]) -> list[Named]:
    """In the order given; files of equal names are one system's. Raises InputError for other words."""
    files: dict[str, list[Path]] = {}
    for word in words:
        label, sign, path = word.rpartition("=")  # labels of sweeps have one, too
        if not (label and sign and path):
            raise InputError(
                f"--rollouts {word}: give a name and a file, such as log=0.pictures.safetensors."
            )
        files.setdefault(label, []).append(Path(path))
    return [Named(label, by_scene(paths)) for label, paths in files.items()]


def scenes_of(systems: list[Named], store: ScenarioStore) -> list[str]:
    """Ids of the scenes that all systems keep, in the order of the shards; InputError for none."""
    return common_scenes([system.files for system in systems], store, "kept")
