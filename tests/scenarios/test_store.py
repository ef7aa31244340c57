"""Scenarios come back from disk as they were."""

from dataclasses import fields

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.scenarios.scorable import NO_EDGE
from simagents.scenarios.store import ScenarioStore, write_scenarios


@pytest.fixture(scope="module")
def store(scenarios, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    write_scenarios(folder / "one", scenarios[:2], source="here")
    write_scenarios(folder / "two", scenarios[2:])
    return ScenarioStore([folder / "one", folder / "two"])


def test_every_array_comes_back(store, scenarios):
    assert len(store) == len(scenarios)
    for row, scenario in enumerate(scenarios):
        for field in fields(scenario):
            ours, theirs = getattr(store[row], field.name), getattr(scenario, field.name)
            np.testing.assert_array_equal(ours, theirs, field.name)
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype, field.name


def test_scenarios_are_found_by_id(store, scenarios):
    assert store[scenarios[2].id].id == scenarios[2].id == store.ids[2]
    with pytest.raises(KeyError):
        store["no such scenario"]


def test_what_cannot_be_scored_is_known_without_reading_scenarios(
    scenarios, without_edges, tmp_path
):
    write_scenarios(tmp_path / "one", scenarios[:1])
    write_scenarios(tmp_path / "two", map(without_edges, scenarios[1:]))
    store = ScenarioStore([tmp_path / "one", tmp_path / "two"])
    assert store.unscorable == {scenario.id: NO_EDGE for scenario in scenarios[1:]}


def test_a_scenario_that_is_there_twice_is_refused(scenarios, tmp_path):
    write_scenarios(tmp_path / "one", scenarios)
    with pytest.raises(InputError, match=f"hold scenario {scenarios[0].id} twice"):
        ScenarioStore([tmp_path / "one", tmp_path / "one"])


def test_a_scenario_knows_who_is_simulated_and_who_is_scored(street):
    scenario = street(start=((0.0, 0.0), (9.0, 0.0), (20.0, 0.0)), speed=(1.0,) * 3, types=(1,) * 3)
    scenario.valid[1, 10] = False
    assert scenario.simulated.tolist() == [0, 2]
    scenario.to_predict[:] = [False, False, True]
    scenario.agent_id[:] = [7, 8, 3]
    assert scenario.evaluated.tolist() == [2, 0]  # by id, the recording vehicle included
    assert scenario.polyline(1).tolist() == [[-100.0, -6.0, 0.0], [200.0, -6.0, 0.0]]
