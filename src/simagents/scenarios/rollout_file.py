"""Our own rollout file: simulated trajectories of scenarios as safetensors.

Two arrays for each scenario, found by its id:

    ID.trajectories   float32 [R, A, 80, 4]   x, y, z (m), heading (rad) in the world frame
    ID.object_id      int64 [A]               whose they are, by the ids of the scenario's tracks

R rollouts, A agents in any order, a step every 0.1 s from the one after the current step. Any
program that writes safetensors can write one. Reading a scenario reads its bytes and no others.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64
from safetensors import SafetensorError, safe_open

from simagents.errors import InputError
from simagents.files import replacing
from simagents.scenarios.scenario import SIMULATED, Scenario

Trajectories = Float32[np.ndarray, "R A 80 4"]

TRAJECTORIES, OBJECT_ID = ".trajectories", ".object_id"

Keep = Callable[[str, Int64[np.ndarray, "A"], Trajectories], None]
"""Adds one scenario: its id, object ids, trajectories."""


@contextmanager
def writing_rollouts(path: Path) -> Iterator[Keep]:
    """A function that adds a scenario to the file, which appears whole when the block ends well.

    Only one scenario is in memory. The format wants the places of all arrays before the first of
    them, so arrays gather in a file without a name and are copied at the end.
    """
    index: dict[str, object] = {"__metadata__": {"format": "simagents rollouts"}}
    with replacing(path) as temporary, tempfile.TemporaryFile(dir=Path(path).parent) as data:

        def add(name: str, dtype: str, array: np.ndarray) -> None:
            begin = data.tell()
            data.write(np.ascontiguousarray(array).data)
            places = [begin, data.tell()]
            index[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": places}

        def keep(
            scenario: str,
            object_id: Int64[np.ndarray, "A"],
            trajectories: Trajectories,
        ) -> None:
            if scenario + OBJECT_ID in index:
                raise ValueError(f"scenario {scenario} is there already")
            add(scenario + OBJECT_ID, "I64", object_id.astype("<i8"))
            add(scenario + TRAJECTORIES, "F32", trajectories.astype("<f4"))

        yield keep
        header = json.dumps(index).encode()
        header += b" " * (-len(header) % 8)
        data.seek(0)
        with temporary.open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            shutil.copyfileobj(data, file, 1 << 20)


class RolloutFile:
    """The scenarios of one file by id; reads one when it is asked for."""

    def __init__(self, path: Path):
        self.path = Path(path)
        try:
            self._file = safe_open(path, framework="numpy")
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file.") from None
        except SafetensorError as problem:
            raise InputError(f"{path}: not a safetensors file ({problem}).") from None
        names = set(self._file.keys())
        self.ids = sorted(
            name.removesuffix(TRAJECTORIES) for name in names if name.endswith(TRAJECTORIES)
        )
        expected = {scenario + end for scenario in self.ids for end in (TRAJECTORIES, OBJECT_ID)}
        if odd := sorted(names ^ expected):
            problem = "lacks" if odd[0] in expected else "holds"
            raise InputError(
                f"{path}: not a rollout file, it {problem} an array {odd[0]}; each scenario has "
                f"ID{TRAJECTORIES} and ID{OBJECT_ID}. Make the file again."
            )

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, scenario: str) -> tuple[np.ndarray, np.ndarray]:
        """Object ids and trajectories as they are stored, whatever their shapes.

        Raises InputError, without the scenario's id, for what numpy has no type for.
        """
        try:
            return (
                self._file.get_tensor(scenario + OBJECT_ID),
                self._file.get_tensor(scenario + TRAJECTORIES),
            )
        except TypeError:
            raise InputError(
                "has arrays of a type that numpy lacks; int64 and float32 are needed."
            ) from None


def as_simulated(
    scenario: Scenario, object_id: np.ndarray, rollouts: np.ndarray, label: str
) -> Trajectories:
    """Rollouts with agents in the order of `Scenario.simulated`. Raises InputError for other agents."""
    ids = scenario.agent_id[scenario.simulated]
    if not np.array_equal(np.sort(object_id), np.sort(ids)):
        raise InputError(
            f"{label}: its picture has other agents than the scenario; give the shards"
            " that were evaluated."
        )
    if rollouts.ndim != 4 or rollouts.shape[1:] != (len(ids), SIMULATED, 4):
        raise InputError(
            f"{label}: its rollouts of scenario {scenario.id} have the shape {list(rollouts.shape)};"
            f" [rollouts, {len(ids)}, {SIMULATED}, 4] is needed."
        )
    return rollouts[:, np.argsort(object_id)[np.argsort(np.argsort(ids))]]


def opened(path: Path) -> RolloutFile:
    """The file, with its header parsed only once in a while: that of a data set has megabytes."""
    status = Path(path).stat()
    return _opened(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _opened(path: Path, _changed: int, _size: int) -> RolloutFile:
    return RolloutFile(path)
