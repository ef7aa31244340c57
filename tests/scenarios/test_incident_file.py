"""Incidents at rest: what was written is read, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.scenarios.incident_file import Incidents, read_incidents, write_incidents


@pytest.fixture
def found(scenarios):
    draws = np.random.default_rng(0)
    shape = 2, len(scenarios[0].simulated), 80
    return Incidents(draws.random(shape) < 0.1, draws.random(shape) < 0.1)


def test_a_file_gives_back_what_was_written(tmp_path, scenarios, found):
    path = tmp_path / "0.incidents.safetensors"
    write_incidents(path, [(scenarios[0], found)])
    read = read_incidents(path, scenarios[0])
    assert np.array_equal(read.collision, found.collision)
    assert np.array_equal(read.off_road, found.off_road)


def test_what_a_file_does_not_hold_is_an_error(tmp_path, scenarios, found):
    path = tmp_path / "0.incidents.safetensors"
    with pytest.raises(InputError, match="there is no such file"):
        read_incidents(path, scenarios[0])
    write_incidents(path, [(scenarios[0], found)])
    with pytest.raises(InputError, match=f"no incidents of scenario {scenarios[1].id}"):
        read_incidents(path, scenarios[1])
    others = replace(scenarios[0], agent_id=scenarios[0].agent_id + 1)
    with pytest.raises(InputError, match="has other agents; give the shards that were evaluated"):
        read_incidents(path, others)
