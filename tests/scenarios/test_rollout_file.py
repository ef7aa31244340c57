"""Rollout files: any safetensors program reads and writes them; half a file never appears."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from simagents.errors import InputError
from simagents.scenarios.rollout_file import RolloutFile, opened, writing_rollouts


def simulated(agents, seed=0):
    draw = np.random.default_rng(seed)
    rollouts = draw.normal(size=(3, agents, 80, 4)).astype(np.float32)
    return draw.permutation(agents) + 100, rollouts


def test_round_trip_and_what_others_read(tmp_path):
    path = tmp_path / "rollouts.safetensors"
    given = {"b": simulated(4), "a": simulated(1, 1)}
    with writing_rollouts(path) as keep:
        for scenario, arrays in given.items():
            keep(scenario, *arrays)
    file = RolloutFile(path)
    assert file.ids == ["a", "b"]
    theirs = load_file(path)
    for scenario, (object_id, rollouts) in given.items():
        for found in (
            file.read(scenario),
            (theirs[f"{scenario}.object_id"], theirs[f"{scenario}.trajectories"]),
        ):
            np.testing.assert_array_equal(found[0], object_id)
            np.testing.assert_array_equal(found[1], rollouts)
            assert [array.dtype for array in found] == [np.int64, np.float32]


def test_a_file_of_no_scenario_is_a_file(tmp_path):
    with writing_rollouts(tmp_path / "none.safetensors"):
        pass
    assert len(RolloutFile(tmp_path / "none.safetensors")) == 0


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), writing_rollouts(tmp_path / "half.safetensors") as keep:
        keep("a", *simulated(2))
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_other_arrays_are_an_error(tmp_path):
    save_file({"street": np.zeros((3, 2, 80, 4), np.float32)}, tmp_path / "old.safetensors")
    with pytest.raises(InputError, match=r"not a rollout file, it holds an array street"):
        RolloutFile(tmp_path / "old.safetensors")
    save_file(
        {"a.trajectories": np.zeros((3, 2, 80, 4), np.float32)}, tmp_path / "half.safetensors"
    )
    with pytest.raises(InputError, match=r"it lacks an array a\.object_id"):
        RolloutFile(tmp_path / "half.safetensors")


def test_a_file_that_changes_is_opened_again(tmp_path):
    path = tmp_path / "rollouts.safetensors"
    for scenario in ("a", "another"):
        with writing_rollouts(path) as keep:
            keep(scenario, *simulated(2))
        assert opened(path).ids == [scenario]
