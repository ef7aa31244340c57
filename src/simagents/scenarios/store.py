"""Scenarios at rest: `Scenario` <-> shards of `shard_file.py`."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from simagents.errors import InputError
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.scorable import told, unscorable
from simagents.scenarios.shard_file import Item, Store, write_shard

_ARRAYS = [field.name for field in fields(Scenario) if field.name not in ("id", "sdc")]


def write_scenarios(path: Path, scenarios: Iterable[Scenario], **description: object) -> None:
    """One shard of scenarios; `description` goes to its header.

    So does `unscorable`: the ids of scenarios that the metric cannot score, with reasons.
    """
    reasons: dict[str, str] = {}

    def items() -> Iterator[tuple[str, Item]]:
        for scenario in scenarios:
            if reason := unscorable(scenario):
                reasons[scenario.id] = reason
            yield scenario.id, _item(scenario)

    # The header is written when all items have passed, so it holds all reasons.
    write_shard(path, items(), unscorable=reasons, **description)


class ScenarioStore:
    """The scenarios of several shards as one sequence, with random access by place or by id."""

    def __init__(self, paths: Iterable[Path]):
        self._store = Store(paths)
        self._store.require("sdc", "cache")
        self._row = {name: row for row, name in enumerate(self._store.ids)}
        if len(self._row) < len(self.ids):
            twice = next(name for row, name in enumerate(self.ids) if self._row[name] != row)
            raise InputError(f"the shards hold scenario {twice} twice; give every shard once.")

    @property
    def ids(self) -> list[str]:
        return self._store.ids

    def __len__(self) -> int:
        return len(self._store)

    @property
    def unscorable(self) -> dict[str, str]:
        """Ids of the scenarios that the metric cannot score, with reasons; reads headers alone.

        Raises InputError for shards of an earlier version, which do not know it.
        """
        reasons: dict[str, str] = {}
        for number, path in enumerate(self._store.paths):
            header = self._store.shard(number).header
            if "unscorable" not in header:
                raise InputError(
                    f"{path}: made by an earlier version, which did not note the scenarios that the"
                    " metric cannot score; make it again with `simagents cache`."
                )
            reasons |= header["unscorable"]
        return reasons

    def scorable(self, rows: range, noun: str, purpose: str) -> tuple[Int64[np.ndarray, "n"], str]:
        """Those of `rows` that can be scored, in order, and a sentence about the others, if any.

        Raises InputError where nothing is left for the purpose, and as `unscorable` does.
        """
        reasons = self.unscorable
        lost = [reasons[self.ids[row]] for row in rows if self.ids[row] in reasons]
        kept = np.array([row for row in rows if self.ids[row] not in reasons], dtype=np.int64)
        if not lost:
            return kept, ""
        said = told(lost, len(rows), noun)
        if not len(kept):
            raise InputError(f"{said}: nothing is left for {purpose}; give other scenarios.")
        return kept, f"{said}; {purpose} leaves them out."

    def named(self, name: str, where: str) -> Scenario:
        """The scenario with that id; InputError, which says where the id stands, for an unknown one."""
        if name not in self._row:
            raise InputError(
                f"{where}: scenario {name} is not in --scenarios; give the shards that hold it."
            )
        return self[name]

    def __getitem__(self, key: int | str) -> Scenario:
        """The scenario at a place, or with an id. Raises KeyError for an unknown id."""
        row = self._row[key] if isinstance(key, str) else key
        arrays = self._store[row]
        return Scenario(id=self.ids[row], sdc=int(arrays.pop("sdc")[0]), **arrays)


def _item(scenario: Scenario) -> Item:
    arrays = {name: getattr(scenario, name) for name in _ARRAYS}
    return {**arrays, "sdc": np.array([scenario.sdc], dtype=np.int64)}
