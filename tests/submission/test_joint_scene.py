"""What is wrong with rollouts is said in one sentence; what is right comes in the right order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simagents.errors import InputError
from simagents.submission import submission_pb2
from simagents.submission.joint_scene import JointScene, arranged, decode, encode, from_arrays

WANTED = np.array([30, 10, 20, 40, 50])


def scenes(count=2):
    """Agent i has i everywhere."""
    one = np.broadcast_to(WANTED[:, None, None], (5, 80, 4)).astype(np.float32)
    return [JointScene(WANTED.copy(), one.copy()) for _ in range(count)]


def problem_of(claimed, wanted=WANTED, rollouts=2):
    with pytest.raises(InputError) as caught:
        arranged(claimed, wanted, rollouts)
    return str(caught.value)


def changed(index, rows=slice(None), **names):
    """Valid scenes, but for one that has only some rows or other ids."""
    claimed = scenes()
    one = claimed[index]
    claimed[index] = JointScene(names.get("ids", one.object_id[rows]), one.trajectory[rows])
    return claimed


@given(st.permutations(range(5)), st.permutations(range(5)))
def test_agents_are_matched_in_each_scene(first, second):
    claimed = [
        JointScene(scene.object_id[list(order)], scene.trajectory[list(order)])
        for scene, order in zip(scenes(), (first, second), strict=True)
    ]
    ids, found = arranged(claimed, WANTED, 2)
    np.testing.assert_array_equal(ids, WANTED)
    np.testing.assert_array_equal(found[..., 0, 0], [WANTED, WANTED])


def test_without_a_scenario_the_first_scene_is_the_measure():
    ids, _ = arranged(scenes(), None, 2)
    np.testing.assert_array_equal(ids, WANTED)
    assert problem_of(changed(1, [0, 1]), None) == (
        "joint_scenes[1] lacks agents 20, 40 and 50, which joint_scenes[0] has."
    )
    assert "agent 50, which joint_scenes[0] has not" in problem_of(changed(0, [0, 1, 2, 3]), None)


def test_the_number_of_scenes():
    assert problem_of(scenes(1)) == "has 1 joint scene; 2 are needed."
    assert problem_of([]) == "has 0 joint scenes; 2 are needed."
    assert problem_of([], None) == "has 0 joint scenes; 2 are needed."


def test_a_missing_agent():
    assert problem_of(changed(1, [1, 2, 3, 4])) == (
        "joint_scenes[1] lacks agent 30, which the log sees at the current step."
    )
    assert "lacks agents 10, 20, 30 and 2 more" in problem_of(changed(0, slice(0)))


def test_an_agent_that_must_not_be_simulated():
    claimed = scenes()
    more = np.append(WANTED, 99)
    claimed[0] = JointScene(more, np.zeros((6, 80, 4), np.float32))
    assert "joint_scenes[0] has agent 99, which the log does not see" in problem_of(claimed)
    assert "lacks agent 50" in problem_of(changed(1, ids=np.array([30, 10, 20, 40, 99])))


def test_an_agent_twice():
    found = problem_of(changed(1, ids=np.array([30, 10, 10, 40, 50])))
    assert found == "joint_scenes[1] has agent 10 more than once."


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(value):
    claimed = scenes()
    claimed[1].trajectory[2, 79, 3] = value
    assert problem_of(claimed) == "joint_scenes[1] has NaN or infinite values for agent 20."


@pytest.mark.parametrize(
    ("object_id", "trajectories", "words"),
    [
        (np.arange(3), np.zeros((2, 3, 79, 4), np.float32), "has 79 steps; 80 are needed"),
        (np.arange(3), np.zeros((2, 3, 80, 3), np.float32), r"of shape \[2, 3, 80, 3\]"),
        (np.arange(2), np.zeros((2, 3, 80, 4), np.float32), "2 object ids for 3 agents"),
        (np.zeros(3), np.zeros((2, 3, 80, 4), np.float32), "ids of type float64"),
        # At a kilometre from the origin a step of float16 is half a metre.
        (np.arange(3), np.zeros((2, 3, 80, 4), np.float16), "trajectories of type float16"),
    ],
)
def test_arrays_of_a_wrong_shape(object_id, trajectories, words):
    with pytest.raises(InputError, match=words):
        from_arrays(object_id, trajectories)


def test_messages_round_trip():
    draw = np.random.default_rng(0)
    rollouts = draw.normal(0, 1e4, (2, 5, 80, 4)).astype(np.float32)
    found = decode(encode("a", WANTED, rollouts))
    for scene, rollout in zip(found, rollouts, strict=True):
        np.testing.assert_array_equal(scene.object_id, WANTED)
        np.testing.assert_array_equal(scene.trajectory, rollout)


def message():
    proto = submission_pb2.ScenarioRollouts()
    proto.ParseFromString(encode("a", WANTED, np.stack([s.trajectory for s in scenes()])))
    return proto


def test_a_trajectory_of_a_wrong_length():
    proto = message()
    del proto.joint_scenes[1].simulated_trajectories[2].heading[79:]
    with pytest.raises(InputError, match=r"joint_scenes\[1\] has 79 steps of heading for agent 20"):
        decode(proto.SerializeToString())


def test_a_trajectory_without_an_agent():
    proto = message()
    proto.joint_scenes[0].simulated_trajectories[3].ClearField("object_id")
    with pytest.raises(InputError, match=r"joint_scenes\[0\].simulated_trajectories\[3\] has no"):
        decode(proto.SerializeToString())


def test_damage_and_ids_that_do_not_fit():
    with pytest.raises(InputError, match="no ScenarioRollouts message"):
        decode(encode("a", WANTED, np.zeros((1, 5, 80, 4), np.float32))[:-7])
    with pytest.raises(InputError, match="agent 2147483648; the challenge's ids are 32-bit"):
        encode("a", np.array([2**31]), np.zeros((1, 1, 80, 4), np.float32))
