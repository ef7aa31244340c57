"""Shards of ragged records: many items of differing length in one memory-mapped safetensors file.

Each named array of all items is concatenated along its first axis; `name.start` says where item i
begins. Item ids, digests and whatever else describes the shard stand as JSON in the header, so an
index is read without touching the data.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from simagents.errors import InputError
from simagents.files import replacing

Item = Mapping[str, np.ndarray]
_DTYPES = {
    "BOOL": np.bool_, "U8": np.uint8, "I8": np.int8, "I16": np.int16, "I32": np.int32,
    "I64": np.int64, "F32": np.float32, "F64": np.float64,
}  # fmt: skip


def write_shard(path: Path, items: Iterable[tuple[str, Item]], **description: Any) -> None:
    """Write (id, arrays) pairs; every item has the same names, dtypes and trailing shapes.

    The shard is held in memory once while it is assembled; it appears whole or not at all.
    """
    ids, columns = [], {}
    for name, item in items:
        ids.append(name)
        for key, array in item.items():
            columns.setdefault(key, []).append(array)
    tensors = {}
    for key, arrays in columns.items():
        # The library writes memory as it lies, so rows must lie in order.
        tensors[key] = np.ascontiguousarray(np.concatenate(arrays))
        tensors[f"{key}.start"] = np.cumsum([0, *map(len, arrays)], dtype=np.int64)
    content = hashlib.sha256()
    for key in sorted(tensors):
        content.update(key.encode() + tensors[key].tobytes())
    header = {"ids": ids, "digest": content.hexdigest()[:16], **description}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"shard": json.dumps(header)})


class Shard:
    """Random access to the items of one file; reads the bytes of an item and no others."""

    def __init__(self, path: Path):
        try:
            self._file = safe_open(path, framework="numpy")
            self.header: dict[str, Any] = json.loads(self._file.metadata()["shard"])
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file.") from None
        except OSError as problem:
            raise InputError(f"{path}: cannot be read as a shard ({problem}).") from None
        except (SafetensorError, KeyError, TypeError) as problem:
            raise InputError(
                f"{path}: not a shard of this project ({problem}); make it again."
            ) from None
        self.ids: list[str] = self.header["ids"]
        names = [name for name in self._file.keys() if not name.endswith(".start")]  # noqa: SIM118
        self._start = {name: self._file.get_tensor(f"{name}.start") for name in names}
        self._column = {name: self._file.get_slice(name) for name in names}

    @property
    def columns(self) -> set[str]:
        """Names of the arrays of an item."""
        return set(self._column)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """The arrays of item `index`, copied out of the map."""
        return {
            name: self._rows(name, *self._start[name][index : index + 2]) for name in self._column
        }

    def _rows(self, name: str, first: np.int64, last: np.int64) -> np.ndarray:
        column = self._column[name]
        if first == last:  # which the library refuses at the end of a column
            return np.empty((0, *column.get_shape()[1:]), dtype=_DTYPES[column.get_dtype()])
        return column[int(first) : int(last)]

    def lengths(self, name: str) -> np.ndarray:
        """How many rows of `name` each item has, from the offsets alone."""
        return np.diff(self._start[name])


class Store:
    """Several shards as one list of items in the order given; a shard opens when first used."""

    def __init__(self, paths: Iterable[Path]):
        self.paths = [shard for path in paths for shard in listed(Path(path))]
        self._shards: dict[int, Shard] = {}
        self.ids: list[str] = []
        first = [0]
        for number in range(len(self.paths)):
            self.ids += self.shard(number).ids
            first.append(len(self.ids))
        self._first = np.array(first)
        if not self.ids:
            raise InputError(
                f"no items in {', '.join(map(str, self.paths)) or 'an empty list of shards'}."
            )

    def require(self, column: str, command: str) -> None:
        """Raise InputError where a shard has no such array, because another command has made it."""
        for number, path in enumerate(self.paths):
            if column not in self.shard(number).columns:
                raise InputError(
                    f"{path}: holds something else; give shards that `simagents {command}` made."
                )

    def shard(self, number: int) -> Shard:
        if number not in self._shards:
            self._shards[number] = Shard(self.paths[number])
        return self._shards[number]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        number = int(np.searchsorted(self._first, index, side="right")) - 1
        return self.shard(number)[index - int(self._first[number])]

    def lengths(self, name: str) -> np.ndarray:
        return np.concatenate([self.shard(n).lengths(name) for n in range(len(self.paths))])

    def __getstate__(self) -> dict[str, Any]:
        # Worker processes open their own maps.
        return {**self.__dict__, "_shards": {}}


def listed(path: Path) -> list[Path]:
    """The shards that a `.txt` names, one a line, beside it, or those of a folder by name; any other path is
    a shard itself.

    A thousand shards on a command line are more than some systems take.
    """
    if path.is_dir():
        return sorted(path.glob("*.safetensors"))
    if path.suffix != ".txt":
        return [path]
    try:
        return [path.parent / name for name in path.read_text().splitlines() if name.strip()]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such list of shards.") from None
