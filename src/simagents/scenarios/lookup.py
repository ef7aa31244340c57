"""Scenarios by id, wherever they lie: TFRecord files as they are fetched, or cached shards."""

from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from simagents.errors import InputError
from simagents.files import matching
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.shard_file import Shard, listed
from simagents.scenarios.store import ScenarioStore
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.decode import decode_scenario, decode_simulated
from simagents.scenarios.womd.tfrecord import read_record, walk_records
from simagents.scenarios.womd.wire import BYTES, WireError, fields, read

NAMES = ("*.safetensors", "*tfrecord*")
"""What is taken for scenarios in a folder."""
_SCENARIO_ID = scenario_pb2.Scenario.SCENARIO_ID_FIELD_NUMBER


class _Place(NamedTuple):
    path: Path
    offset: int
    """byte of the record; in a cached shard, row of the scenario"""
    length: int


class ScenarioLookup:
    """Reads a scenario when it is asked for, and nothing but ids before that.

    Where several files hold a scenario, the first one counts. Records that are no scenario are in
    `rejected`, with reasons. A copy of this, sent to another process, opens its own files.
    """

    def __init__(self, path: Path):
        # A killed command leaves its unfinished file, and `*tfrecord*` would take it for a shard.
        whole = [shard for shard in matching(path, NAMES) if shard.suffix != ".partial"]
        self.paths = [file for shard in whole for file in listed(shard)]
        self.rejected: list[str] = []
        self._place: dict[str, _Place] = {}
        self._stores: dict[Path, ScenarioStore] = {}
        for file in self.paths:
            for scenario, place in self._index(file):
                self._place.setdefault(scenario, place)
        if not self._place:
            raise InputError(f"{path}: holds no scenario.")

    def __len__(self) -> int:
        return len(self._place)

    def __iter__(self) -> Iterator[str]:
        """Ids, in the order of the files."""
        return iter(self._place)

    def __contains__(self, scenario: str) -> bool:
        return scenario in self._place

    def __getitem__(self, scenario: str) -> Scenario:
        """Raises InputError where the record is unusable, KeyError where there is none."""
        place = self._place[scenario]
        if place.path.suffix == ".safetensors":
            return self._store(place.path)[place.offset]
        return decode_scenario(read_record(*place), str(place.path))

    def simulated(self, scenario: str) -> Int64[np.ndarray, "A"]:
        """Ids of the agents that a simulator controls, in the order of `Scenario.simulated`.

        Works for scenarios without a future too. Raises as `__getitem__` does.
        """
        place = self._place[scenario]
        if place.path.suffix == ".safetensors":
            logged = self[scenario]
            return logged.agent_id[logged.simulated]
        return decode_simulated(read_record(*place), str(place.path))

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_stores": {}}

    def _store(self, path: Path) -> ScenarioStore:
        if path not in self._stores:
            self._stores[path] = ScenarioStore([path])
        return self._stores[path]

    def _index(self, path: Path) -> Iterator[tuple[str, _Place]]:
        if path.suffix == ".safetensors":
            for row, scenario in enumerate(Shard(path).ids):
                yield scenario, _Place(path, row, 0)
            return
        for index, (file, length) in enumerate(walk_records(path)):
            offset = file.tell()
            if scenario := _id_of(file, length):
                yield scenario, _Place(path, offset, length)
            else:
                self.rejected.append(f"{path}, record {index}: not a WOMD Scenario proto.")


def _id_of(file: BufferedIOBase, length: int) -> str:
    """The id of the record at which the file stands, or nothing where it is no Scenario."""
    try:
        for field in fields(file, file.tell() + length):
            if field.number == _SCENARIO_ID and field.type == BYTES:
                return read(file, field.length).decode()
    except (WireError, UnicodeDecodeError):
        pass
    return ""
