"""Files from elsewhere are read, and nothing in them is run."""

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from simagents.errors import InputError
from simagents.exchange.inert import Inert, plain, read_checkpoint, read_pickle


class Malicious:
    """Runs a command when a common unpickler reads it."""

    def __init__(self, trace: Path, module="os", name="system"):
        self.trace, self.module, self.name = trace, module, name

    def __reduce__(self):
        import builtins
        import os

        function = {"os": os.system, "builtins": builtins.exec, "open": open}[self.module]
        what = {
            "os": f"touch {self.trace}",
            "builtins": f"import pathlib; pathlib.Path({str(self.trace)!r}).touch()",
            "open": str(self.trace),
        }
        arguments = (what[self.module], "w") if self.module == "open" else (what[self.module],)
        return function, arguments


@pytest.mark.parametrize("how", ["os", "builtins", "open"])
def test_no_command_is_run(tmp_path, how):
    """The attack works on a common unpickler, and is a word to ours."""
    trace = tmp_path / "trace"
    content = {"state_dict": {"w": torch.ones(2)}, "hyper_parameters": Malicious(trace, how)}
    torch.save(content, tmp_path / "checkpoint")
    (tmp_path / "pickle").write_bytes(pickle.dumps(content["hyper_parameters"]))
    restored = read_checkpoint(tmp_path / "checkpoint")
    assert isinstance(restored["hyper_parameters"], Inert)
    with pytest.raises(InputError, match="the vocabulary must be a mapping"):
        read_pickle(tmp_path / "pickle")
    assert not trace.exists()
    pickle.loads((tmp_path / "pickle").read_bytes())
    assert trace.exists()


def test_a_function_in_a_build_instruction_is_not_called(tmp_path):
    """`__setstate__`, items and attributes of unknown classes go nowhere."""
    program = b"cbuiltins\neval\n(S'1/0'\ntR."
    (tmp_path / "p").write_bytes(b"\x80\x02}X\x01\x00\x00\x00a" + program[:-2] + b"Rs.")
    assert isinstance(read_pickle(tmp_path / "p")["a"], Inert)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool]
)
def test_tensors_come_back_as_torch_saved_them(tmp_path, dtype):
    """Views, parameters, empty and shared ones included."""
    base = (torch.randn(6, 4, generator=torch.manual_seed(0)) * 3).to(dtype)
    content = OrderedDict(base=base, view=base.T[1:, ::2], empty=base[:0], scalar=base[0, 0])
    if dtype.is_floating_point:
        content["parameter"] = torch.nn.Parameter(base)
    torch.save(content, tmp_path / "c")
    restored = read_checkpoint(tmp_path / "c")
    assert restored.keys() == content.keys()
    for name, tensor in content.items():
        assert torch.equal(restored[name], tensor)
        assert restored[name].dtype == dtype


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i8"])
def test_arrays_come_back_in_every_protocol(tmp_path, protocol, dtype):
    array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    (tmp_path / "p").write_bytes(pickle.dumps({"a": {"b": array}, "c": array.T}, protocol))
    restored = read_pickle(tmp_path / "p")
    assert np.array_equal(restored["a"]["b"], array)
    assert np.array_equal(restored["c"], array.T)
    assert restored["a"]["b"].dtype == array.dtype


@pytest.mark.parametrize("protocol", [4, 5])
def test_bytes_are_never_taken_for_objects(tmp_path, protocol):
    """A dtype that says of its field that it is an object, and of itself that it holds none: common
    unpicklers make an array of addresses of it.
    """
    version, order, _, names, parts, size, step, _ = np.dtype([("a", "O")]).__reduce__()[2]
    lying = np.dtype("V8", copy=True)
    lying.__setstate__((version, order, None, names, parts, size, step, 0))
    array = np.frombuffer(b"\1" * 8, lying)
    (tmp_path / "p").write_bytes(pickle.dumps({"a": array, "b": np.array(["x", None])}, protocol))
    restored = read_pickle(tmp_path / "p")
    sizes = {name: int(one.size) for name, one in restored.items()}  # printing one would crash
    assert sizes == {"a": 0, "b": 0}


class Node:
    """As OmegaConf pickles values and containers."""

    def __init__(self, **state):
        self.__dict__.update(state)


def test_configurations_of_an_absent_library_are_still_read(tmp_path):
    config = Node(_content={"decoder": Node(_content={"radius": Node(_val=60)}), "name": "x"})
    torch.save({"hyper_parameters": {"model_config": config, "n": [Node(_val=1)]}}, tmp_path / "c")
    settings = plain(read_checkpoint(tmp_path / "c")["hyper_parameters"])
    assert settings == {"model_config": {"decoder": {"radius": 60}, "name": "x"}, "n": [1]}


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04N.", b"PK\x03\x04"])
def test_what_is_no_checkpoint_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    for read in (read_checkpoint, read_pickle):
        with pytest.raises(InputError, match=r"c: (not a|the vocabulary)"):
            read(tmp_path / "c")
        with pytest.raises(InputError, match="there is no such"):
            read(tmp_path / "absent")


def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(tmp_path):
    torch.save({"w": torch.ones(4)}, tmp_path / "c")
    content = (tmp_path / "c").read_bytes()
    assert b"K\x04\x85" in content  # the size (4,)
    (tmp_path / "c").write_bytes(content.replace(b"K\x04\x85", b"K\x7f\x85"))
    with pytest.raises(InputError, match="not a checkpoint of torch"):
        read_checkpoint(tmp_path / "c")
