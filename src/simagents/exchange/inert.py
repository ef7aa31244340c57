"""Pickles and torch checkpoints read without running anything that they contain.

A pickle names functions and has them called. Here every name that is not needed to rebuild tensors
and arrays is replaced by a class that keeps its arguments and does nothing; so a configuration of a library that is
not installed can still be read, and `os.system` is never called.
"""

import io
import pickle
import pickletools
import struct
import zlib
from collections import OrderedDict
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import Tensor

from simagents.errors import InputError

_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def _tensor(storage: Tensor, first: int, size: tuple, stride: tuple, *_: Any) -> Tensor:
    # Refused by torch where it would reach beyond the storage.
    return storage.as_strided(size, stride, first).clone()


_HARMLESS = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("numpy", "dtype"): np.dtype,
    # Arrays in pickles of protocol 2 come as text.
    ("_codecs", "encode"): lambda text, _: text.encode("latin1"),
    **{("torch", name): dtype for name, dtype in _STORAGES.items()},
}


def _is_numbers(dtype: Any) -> bool:
    # A pickled dtype may say of a field that it is an object and of itself that it has none; its
    # bytes would then be taken for addresses.
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf" and dtype.names is None


class _Numbers(np.ndarray):
    """An array that takes numbers only; of anything else it stays empty."""

    def __setstate__(self, state: tuple) -> None:
        _, _, dtype, *_ = state
        if _is_numbers(dtype):
            super().__setstate__(state)


def _array(kind: type, shape: tuple, code: Any) -> np.ndarray:
    # What numpy's own `_reconstruct` does, for arrays only; their content follows as their state.
    return np.ndarray.__new__(_Numbers, 0, np.int8)


def _array_of(content: Any, dtype: np.dtype, shape: tuple, order: str, *_: Any) -> np.ndarray:
    if not _is_numbers(dtype):
        return np.zeros(0, np.int8)
    return np.frombuffer(content, dtype).reshape(shape, order="F" if order == "F" else "C").copy()


class Inert:
    """Stands for an object of a class that is not loaded; holds the state it was pickled with."""

    name = ""

    def __new__(cls, *_: Any, **__: Any) -> "Inert":
        """Accepts whatever arguments the real class takes."""
        stand_in = super().__new__(cls)
        stand_in.state = {}
        return stand_in

    def __init__(self, *_: Any, **__: Any):
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(self.state, dict):
            self.state[key] = value

    def append(self, value: Any) -> None:
        """Pickled subclasses of list come one item at a time."""

    def extend(self, values: Any) -> None:
        """… or many."""

    __hash__ = object.__hash__


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, archive: ZipFile | None = None, root: str = ""):
        super().__init__(file)
        self.archive, self.root = archive, root
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """A function that is known to be harmless, or a class that does nothing."""
        if module.startswith("numpy") and name in ("_reconstruct", "_frombuffer"):
            return _array if name == "_reconstruct" else _array_of
        harmless = _HARMLESS.get((module, name))
        return harmless or type("Inert", (Inert,), {"name": f"{module}.{name}"})

    def persistent_load(self, identity: Any) -> Tensor:
        """The numbers behind a tensor: a member of the archive."""
        if self.archive is None or len(identity) < 3 or not isinstance(identity[1], torch.dtype):
            raise pickle.UnpicklingError(f"numbers of an unknown kind: {identity!r}")
        _, dtype, key, *_ = identity
        if key not in self.storages:
            content = bytearray(self.archive.read(f"{self.root}/data/{key}"))
            empty = torch.zeros(0, dtype=dtype)
            self.storages[key] = torch.frombuffer(content, dtype=dtype) if content else empty
        return self.storages[key]


def _load(data: bytes, path: Path, archive: ZipFile | None = None, root: str = "") -> Any:
    """The content of a pickle. Raises InputError for a memo that would fill the memory: Python
    makes room for the largest number in it, and for all below."""
    for opcode, number, _ in pickletools.genops(data):
        if "PUT" in opcode.name and number > len(data):
            raise InputError(
                f"{path}: a pickle that numbers what it remembers up to {number}; it is damaged."
            )
    return _Unpickler(io.BytesIO(data), archive, root).load()


_BROKEN = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, KeyError, IndexError,
    RuntimeError, OverflowError, MemoryError, OSError, struct.error, zlib.error, LZMAError,
)  # fmt: skip


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `torch.save` wrote as a mapping, since torch 1.6 an archive; else InputError.

    torch's own `weights_only` refuses a whole checkpoint for one unknown class in it.
    """
    try:
        with ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(names) != 1:
                raise InputError(f"{path}: not a checkpoint of torch (no data.pkl).")
            with archive.open(names[0]) as file:
                content = _load(file.read(), path, archive, names[0].removesuffix("/data.pkl"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such checkpoint.") from None
    except (BadZipFile, *_BROKEN) as problem:
        raise InputError(f"{path}: not a checkpoint of torch ({problem}).") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: the checkpoint must be a mapping.")
    return content


def read_pickle(path: Path) -> dict[str, Any]:
    """A pickled mapping of arrays; InputError where it is nothing of the kind."""
    try:
        with path.open("rb") as file:
            content = _load(file.read(), path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except _BROKEN as problem:
        raise InputError(f"{path}: not a pickle of arrays ({problem}).") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: the vocabulary must be a mapping.")
    return content


def plain(value: Any) -> Any:
    """Mappings, lists and values of what was OmegaConf's containers and nodes; None of the rest."""
    if isinstance(value, Inert):
        state = value.state if isinstance(value.state, dict) else {}
        return plain(state["_content"]) if "_content" in state else plain(state.get("_val"))
    if isinstance(value, dict):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value
