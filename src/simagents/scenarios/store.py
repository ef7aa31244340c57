"""Scenarios at rest: `Scenario` <-> shards of `shard_file.py`."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import numpy as np

from simagents.scenarios.scenario import Scenario
from simagents.scenarios.shard_file import Item, Store, write_shard

_ARRAYS = [field.name for field in fields(Scenario) if field.name not in ("id", "sdc")]


def write_scenarios(path: Path, scenarios: Iterable[Scenario], **description: object) -> None:
    """One shard of scenarios; `description` goes to its header."""
    write_shard(path, ((scenario.id, _item(scenario)) for scenario in scenarios), **description)


class ScenarioStore:
    """The scenarios of several shards as one sequence, with random access by place or by id."""

    def __init__(self, paths: Iterable[Path]):
        self._store = Store(paths)
        self._row = {name: row for row, name in enumerate(self._store.ids)}

    @property
    def ids(self) -> list[str]:
        return self._store.ids

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, key: int | str) -> Scenario:
        """The scenario at a place, or with an id. Raises KeyError for an unknown id."""
        row = self._row[key] if isinstance(key, str) else key
        arrays = self._store[row]
        return Scenario(id=self.ids[row], sdc=int(arrays.pop("sdc")[0]), **arrays)


def _item(scenario: Scenario) -> Item:
    arrays = {name: getattr(scenario, name) for name in _ARRAYS}
    return {**arrays, "sdc": np.array([scenario.sdc], dtype=np.int64)}
