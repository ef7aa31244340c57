"""The demo's configuration as its files say it, to be changed at will."""

import copy
from pathlib import Path

import pytest

from simagents.config import reading

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def _demo():
    return reading.content(ROOT, {"scale": "demo"})


@pytest.fixture
def content(_demo):
    return copy.deepcopy(_demo)
