"""Kept rollouts, found by scene and put in the order of the scenario's agents."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from simagents.errors import InputError
from simagents.report.rows import Row
from simagents.scenarios.rollout_file import RolloutFile, Trajectories, as_simulated
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import ScenarioStore


def by_scene(paths: Iterable[Path]) -> dict[str, RolloutFile]:
    """The file that holds each scene. Raises InputError for a file that there is not."""
    return {scene: file for path in paths for file in [RolloutFile(path)] for scene in file.ids}


def common_scenes(
    kept: Iterable[Mapping[str, RolloutFile]], store: ScenarioStore, verb: str
) -> list[str]:
    """Ids of the scenes that every system keeps, in the order of the shards; InputError for none."""
    kept = list(kept)
    common = [scene for scene in store.ids if all(scene in scenes for scenes in kept)]
    if not common:
        raise InputError(f"no scene of these shards is {verb} by every system.")
    return common


def of_rows(rows: list[Row], paths: list[Path]) -> list[dict[str, RolloutFile]]:
    """Per row, the files of its first system by scene, from `…/scores/{system}/{evaluation}/FILE`.

    Raises InputError where a system has no pictures.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; evaluate with --pictures first.")
    kept = [by_scene(path for path in paths if path.parts[-3] == row.systems[0]) for row in rows]
    for row, scenes in zip(rows, kept, strict=True):
        if not scenes:
            raise InputError(
                f"{row.label}: no pictures of {row.systems[0]} given; set compute.pictured."
            )
    return kept


def read_pictures(
    rows: list[Row], paths: list[Path], store: ScenarioStore
) -> tuple[Scenario, list[Trajectories]]:
    """The scene and, per row, the trajectories of its first system, as `Scenario.simulated` has it.

    Raises InputError where a system has no pictures, where no scene is common to all, and where
    agents are not those of the scene.
    """
    kept = of_rows(rows, paths)
    scenario = store[common_scenes(kept, store, "pictured")[0]]
    return scenario, [
        as_simulated(scenario, *scenes[scenario.id].read(scenario.id), row.label)
        for row, scenes in zip(rows, kept, strict=True)
    ]
