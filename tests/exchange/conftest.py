"""A random checkpoint in CAT-K's format, with its vocabularies."""

import pytest

from plain.checkpoint import Checkpoint


@pytest.fixture
def catk(tmp_path, vocabulary):
    return Checkpoint(tmp_path, vocabulary)
