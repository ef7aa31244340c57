"""What `checked.py` holds to annotations, in a module that is written here."""

import sys
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import TypeCheckError

from checked import check_module

MODULE = """
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
import numpy as np
from jaxtyping import Float64

Pair = tuple[Float64[np.ndarray, "N"], Float64[np.ndarray, "N"]]

def total(pair: Pair) -> Float64[np.ndarray, "N"]:
    return pair[0] + pair[1]

def first(values: Float64[np.ndarray, "N"]) -> Float64[np.ndarray, "N"]:
    return values[:1]

def double(number: int) -> int:
    return 2 * number

@contextmanager
def opened(number: int) -> Iterator[int]:
    yield number

@dataclass(frozen=True)
class Of:
    values: Float64[np.ndarray, "N 2"]

    @property
    def wrong(self) -> int:
        return "1"

    @cached_property
    def wrong_as_well(self) -> int:
        return "1"

    @staticmethod
    def of(number: int) -> "Of":
        return Of(np.zeros((number, 2)))

BY_NAME = {"double": double}
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    path = tmp_path_factory.mktemp("module") / "subject.py"
    path.write_text(MODULE)
    spec = spec_from_file_location("subject", path)
    found = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "subject", found)  # where types that stand in quotes are found
        spec.loader.exec_module(found)
        check_module(found)
        yield found


def test_shapes_agree_within_a_call(module):
    ones = np.ones(3)
    assert module.total((ones, ones)).tolist() == [2, 2, 2]
    with pytest.raises(TypeCheckError):
        module.total((ones, np.ones(4)))
    assert module.first(np.ones(1)) == 1
    with pytest.raises(TypeCheckError):
        module.first(ones)  # whose result has another length


def test_plain_types_are_checked_also_by_way_of_a_mapping(module):
    for double in (module.double, module.BY_NAME["double"]):
        assert double(2) == 4
        with pytest.raises(BeartypeCallHintViolation):
            double("2")


def test_dataclasses_and_methods_are_checked(module):
    assert module.Of.of(3).values.shape == (3, 2)
    with pytest.raises(TypeCheckError):
        module.Of(np.zeros((3, 3)))
    with pytest.raises(BeartypeCallHintViolation):
        module.Of.of("3")
    for name in ("wrong", "wrong_as_well"):
        with pytest.raises(BeartypeCallHintViolation):
            getattr(module.Of.of(3), name)


def test_context_managers_still_manage(module):
    with module.opened(3) as number:
        assert number == 3
