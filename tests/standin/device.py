"""Tensors that are on `standin:0` for torch, and whose numbers the CPU computes.

    with standin() as counts:
        policy.to(DEVICE)
        ...
    counts.kernels.total(), counts.waits

An operation on tensors of two devices raises, as it would on a GPU. What a GPU would launch, and where
Python would wait for it, is counted. It is no model of time: it cannot say how long a kernel runs.

Differences from a GPU: autocast changes nothing; dropout is made of four kernels where CUDA has one; and
code that is written for `cuda` by name takes its other branch.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

NAME = "standin"


class _Backend(_DummyBackendModule):
    """What `torch.autocast` and `torch.utils.checkpoint` look up of a device's module."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]

    def is_autocast_enabled(self) -> bool:
        return False

    def synchronize(self, device: torch.device | None = None) -> None:
        """Nothing to wait for: every operation has ended when it returns."""


# Autograd starts threads for all devices that torch knows at the first backward pass: before that, and then a
# process that has taken such a pass cannot be forked any more.
_setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())
DEVICE = torch.device(NAME, 0)


@dataclass
class Counts:
    """What was launched, by the names of operations."""

    kernels: Counter[str] = field(default_factory=Counter)
    """operations that compute: views and allocations launch nothing"""
    waits: Counter[str] = field(default_factory=Counter)
    """operations whose result, or its size, the CPU must know before it goes on"""
    uploads: Counter[str] = field(default_factory=Counter)
    """copies to the device, which start when the CPU has made their numbers"""


class MixedDevicesError(RuntimeError):
    """An operation got tensors of two devices."""


class OnDevice(torch.Tensor):
    """A tensor of the stand-in; `host` holds its numbers."""

    host: torch.Tensor

    @staticmethod
    def __new__(cls, host: torch.Tensor) -> "OnDevice":
        made = torch.Tensor._make_wrapper_subclass(
            cls, host.shape, strides=host.stride(), storage_offset=host.storage_offset(),
            dtype=host.dtype, device=DEVICE,
        )  # fmt: skip
        made.host = host
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _compute(Counts(), func, args, kwargs or {})  # outside `standin()`: nobody counts

    def __repr__(self) -> str:
        return f"OnDevice({self.host})"


# Sizes of results that depend on numbers. bincount finds its largest number first.
_SIZE_BY_NUMBERS = {
    "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "bincount",
    "equal", "_local_scalar_dense",
}  # fmt: skip
_ALLOCATIONS = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_NOTHING = {"detach", "alias", "lift_fresh", "_unsafe_view", "_reshape_alias", "resize_"}
_COPIES = {"_to_copy", "copy_", "_copy_from"}


def _launches(func: torch._ops.OpOverload, name: str) -> bool:
    returned = func._schema.returns
    view = any(one.alias_info is not None and not one.alias_info.is_write for one in returned)
    return not view and name not in _ALLOCATIONS | _NOTHING


def _compute(counts: Counts, func: torch._ops.OpOverload, args: tuple, kwargs: dict):
    name = func._schema.name.removeprefix("aten::")
    tensors = list(_tensors(args)) + list(_tensors(kwargs.values()))
    mine = [one for one in tensors if type(one) is OnDevice]
    others = [one for one in tensors if type(one) is not OnDevice and one.dim()]
    named = kwargs.get("device")
    result_is_mine = bool(mine) if named is None else torch.device(named).type == NAME
    if name in _COPIES:
        target_is_mine = isinstance(args[0], OnDevice) if name == "copy_" else result_is_mine
        source = args[1] if name == "copy_" else args[0]
        if target_is_mine and not isinstance(source, OnDevice):
            counts.uploads[name] += 1
        elif isinstance(source, OnDevice) and not target_is_mine:
            counts.waits["copy to the CPU"] += 1
        elif target_is_mine:
            counts.kernels[name] += 1
    elif mine or result_is_mine:
        if mine and others:
            raise MixedDevicesError(
                f"{name}: tensors on {DEVICE} and on the CPU, of shapes"
                f" {[tuple(one.shape) for one in mine]} and {[tuple(one.shape) for one in others]}"
            )
        waits = name in _SIZE_BY_NUMBERS or (name == "repeat_interleave" and len(tensors) == 1
                                             and kwargs.get("output_size") is None)  # fmt: skip
        masks = 0
        if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
            masks = sum(one is not None and one.dtype == torch.bool for one in args[1])
        counts.waits[name] += waits + masks
        counts.kernels[name] += name != "_local_scalar_dense" and _launches(func, name)
    if named is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    if name == "copy_":
        _host(args[0]).copy_(_host(args[1]))
        return args[0]
    compute = _ONLY_ON_GPUS.get(name, func)
    result = compute(*_host(args), **{key: _host(one) for key, one in kwargs.items()})
    if not result_is_mine or name == "_local_scalar_dense":
        return result
    # An operation in place returns the tensor that it was given, also here.
    given = {id(one.host): one for one in mine}

    def mine_again(one):
        if isinstance(one, tuple | list):
            return type(one)(map(mine_again, one))
        if not isinstance(one, torch.Tensor):
            return one
        return given[id(one)] if id(one) in given else OnDevice(one)

    return mine_again(result)


def _tensors(values) -> Iterator[torch.Tensor]:
    for one in values:
        if isinstance(one, torch.Tensor):
            yield one
        elif isinstance(one, tuple | list):
            yield from _tensors(one)


def _gru(input_gates, hidden_gates, state, input_bias, hidden_bias):
    """A cell as CUDA fuses it, and what its gradient needs: r, z, n, state, hidden gate of n."""
    from_input = (input_gates + input_bias).chunk(3, 1)
    from_hidden = (hidden_gates + hidden_bias).chunk(3, 1)
    reset, update = (
        (one + other).sigmoid() for one, other in zip(from_input[:2], from_hidden[:2], strict=True)
    )
    new = (from_input[2] + reset * from_hidden[2]).tanh()
    kept = torch.cat([reset, update, new, state, from_hidden[2]], dim=1)
    return new + update * (state - new), kept


def _gru_backward(gradient, kept, has_bias):
    reset, update, new, state, hidden = kept.chunk(5, 1)
    of_new = gradient * (1 - update) * (1 - new**2)
    of_update = gradient * (state - new) * update * (1 - update)
    of_reset = of_new * hidden * reset * (1 - reset)
    to_input = torch.cat([of_reset, of_update, of_new], dim=1)
    to_hidden = torch.cat([of_reset, of_update, of_new * reset], dim=1)
    return to_input, to_hidden, gradient * update, to_input.sum(0), to_hidden.sum(0)


_ONLY_ON_GPUS = {"_thnn_fused_gru_cell": _gru, "_thnn_fused_gru_cell_backward": _gru_backward}


def _host(one):
    """Tensors of the stand-in as they are computed with, also in lists."""
    if type(one) is OnDevice:
        return one.host
    return type(one)(map(_host, one)) if isinstance(one, tuple | list) else one


class _Operations(TorchDispatchMode):
    def __init__(self, counts: Counts):
        super().__init__()
        self.counts = counts

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _compute(self.counts, func, args, kwargs or {})


_READ = {
    torch.Tensor.tolist, torch.Tensor.item, torch.Tensor.__bool__, torch.Tensor.__int__,
    torch.Tensor.__float__, torch.Tensor.__index__,
}  # fmt: skip
_MADE_OF_NUMBERS = {torch.tensor, torch.as_tensor}
_INDEXED = {torch.Tensor.__getitem__, torch.Tensor.__setitem__}


class _Functions(TorchFunctionMode):
    """What torch does in C++ before any operation is dispatched."""

    def __init__(self, counts: Counts):
        super().__init__()
        self.counts = counts

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        mine = bool(args) and isinstance(args[0], OnDevice)
        if mine and func in _READ:
            self.counts.waits[func.__name__] += 1
            return func(args[0].host, *args[1:])
        if mine and func is torch.Tensor.numpy:
            raise TypeError(f"a tensor on {DEVICE} has no numpy array; copy it with .cpu() first")
        if mine and func in _INDEXED:
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            index = tuple(self._uploaded(one) for one in index)
            return func(args[0], index if isinstance(args[1], tuple) else index[0], *args[2:])
        if func in _MADE_OF_NUMBERS and kwargs.get("device") is not None:
            device = kwargs["device"]
            made = func(*args, **{**kwargs, "device": None})
            return made.to(device)
        return func(*args, **kwargs)

    def _uploaded(self, index):
        """Lists and tensors of the CPU, which a GPU takes as indices, and copies each time."""
        if isinstance(index, list):
            return torch.tensor(index).to(DEVICE)
        on_cpu = isinstance(index, torch.Tensor) and not isinstance(index, OnDevice) and index.dim()
        return index.to(DEVICE) if on_cpu else index


@contextmanager
def standin() -> Iterator[Counts]:
    """The device computes, and counts, until the end of the block."""
    counts = Counts()
    with _Operations(counts), _Functions(counts):
        yield counts
