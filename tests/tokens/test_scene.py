"""A tokenised scene: what of a scenario it keeps, and what it must not depend on."""

from dataclasses import fields, replace

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.geometry import wrap_angle
from simagents.scenarios.store import ScenarioStore, write_scenarios
from simagents.tokens import tokenize as command
from simagents.tokens.scene import TokenStore, tokenize
from simagents.tokens.vocabulary import TOKEN_STEPS


@pytest.mark.parametrize(
    ("angle", "dx", "dy"), [(0.0, 512.0, -256.0), (0.9, 0.0, 0.0), (-2.5, 37, 1e3)]
)
def test_a_rigid_motion_leaves_the_tokens_alone(scenarios, vocabulary, moved, angle, dx, dy):
    """Poses turn about the recording vehicle, which is the origin. Coordinates of kilometres are
    rounded to 0.1 mm in the log, so a token may change where two fit equally well: one in 200.
    """
    for scenario in scenarios:
        before = tokenize(scenario, vocabulary)
        after = tokenize(moved(scenario, angle, dx, dy), vocabulary)
        for name in ("map_point_type", "map_polygon_type", "map_light", "map_feature", "valid"):
            assert np.array_equal(getattr(before, name), getattr(after, name)), name
        for name in ("map_token", "token"):
            assert (getattr(before, name) != getattr(after, name)).mean() < 0.005, name
        turn = wrap_angle(after.logged[..., 2] - before.logged[..., 2] - angle)
        assert np.abs(turn[before.logged_valid]).max() < 1e-4
        x, y = before.logged[..., 0], before.logged[..., 1]
        turned = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
        error = np.abs(np.stack(turned, -1) - after.logged[..., :2])[before.logged_valid]
        assert error.max() < 2e-3


def test_every_agent_of_the_current_step_is_there_with_one_token_of_history(scenarios, scenes):
    for scenario, scene in zip(scenarios, scenes, strict=True):
        assert len(scene.agent_class) == len(scenario.simulated)
        assert scene.valid[:, 1].all()
        assert scene.token.shape == (len(scenario.simulated), TOKEN_STEPS)


def test_a_scenario_whose_sdc_is_not_there_has_no_origin(scenarios, vocabulary):
    valid = scenarios[0].valid.copy()
    valid[scenarios[0].sdc, 10] = False
    with pytest.raises(InputError, match=r"scenario .*: its SDC is not seen at the current step"):
        tokenize(replace(scenarios[0], valid=valid), vocabulary)


def test_the_sdc_stands_at_the_origin(scenarios, scenes):
    for scenario, scene in zip(scenarios, scenes, strict=True):
        row = scenario.simulated.tolist().index(scenario.sdc)
        assert np.abs(scene.logged[row, 2, :2]).max() < 1e-6
        assert scene.has_role[row]


def test_chains_follow_the_log(scenarios, vocabulary, scenes):
    """Half of all poses to 0.6 m: the tiny vocabulary is coarse, yet errors do not add up."""
    for scene in scenes:
        error = np.linalg.norm(scene.pose[..., :2] - scene.logged[:, 1:, :2], axis=-1)
        assert np.median(error[scene.valid]) < 0.6


def test_who_is_trained_on(street, hand_made):
    """A role is enough; others are less than 100 m away and seen for five more steps. Here: the SDC,
    99 m, 101 m, gone after four steps, after five, a role at 200 m, 155 m.
    """
    starts = ((0, 0), (99, 3), (101, 3), (0, 6), (0, 9), (200, 3), (155, 3))
    scenario = street(start=starts, speed=(0.0,) * 7, types=(1,) * 7)
    scenario.to_predict[:] = [False, False, False, False, False, True, False]
    scenario.valid[3, 10 + 5 :] = False
    scenario.valid[4, 10 + 6 :] = False
    scene = tokenize(scenario, hand_made)
    assert scene.trainable.tolist() == [True, True, False, False, True, True, False]
    assert scene.has_role.tolist() == [True, False, False, False, False, True, False]
    assert scene.in_range[:, 5].tolist() == [True, True, True, True, True, False, False]


def test_steps_beyond_150_m_are_no_future_to_be_trained_on(street, hand_made):
    """At 99 m, leaving at 150 m/s: 3 steps until 150 m; at 100 m/s 5 steps; the SDC stands."""
    scenario = street(
        start=((0, 0), (99 - 150, 0), (99 - 99, 0)), speed=(0.0, 150.0, 99.0), types=(1,) * 3
    )
    scenario.to_predict[:] = False
    assert tokenize(scenario, hand_made).trainable.tolist() == [True, False, True]


def test_distances_from_the_sdc_include_heights(street, hand_made):
    """140 m along the street and 60 m above it are 152 m."""
    scenario = street(start=((0, 0), (140, 0)), speed=(0.0, 0.0), types=(1, 1))
    scenario.position[1, 40:, 2] += 60
    scene = tokenize(scenario, hand_made)
    assert scene.in_range[1].tolist() == [True] * 8 + [False] * 11


def test_roles_of_the_scenario_are_not_changed(scenarios, vocabulary):
    scenario = replace(scenarios[0], to_predict=np.zeros_like(scenarios[0].to_predict))
    tokenize(scenario, vocabulary)
    assert not scenario.to_predict.any()


def test_the_command_keeps_names_and_order_of_shards(tmp_path, scenarios, scenes, vocabulary):
    shards = [tmp_path / "cached" / name for name in ("first", "second")]
    for shard, half in zip(shards, (scenarios[:1], scenarios[1:]), strict=True):
        write_scenarios(shard, half)
    vocabulary.write(tmp_path / "vocabulary")
    command.main(command.Args(shards, tmp_path / "vocabulary", tmp_path / "tokens"))
    store = TokenStore([tmp_path / "tokens" / shard.name for shard in shards])
    assert store.ids == [scenario.id for scenario in scenarios]
    assert store.agents().tolist() == [len(scene.agent_class) for scene in scenes]
    for row, scene in enumerate(scenes):
        for field in fields(scene):
            stored, expected = getattr(store[row], field.name), getattr(scene, field.name)
            assert np.array_equal(stored, expected), field.name
            assert stored.dtype == expected.dtype


def test_the_command_overwrites_no_other_file(tmp_path, scenarios, vocabulary):
    vocabulary.write(tmp_path / "vocabulary")
    shards = [tmp_path / folder / "first" for folder in ("training", "validation")]
    for shard in shards:
        write_scenarios(shard, scenarios[:1])
    args = tmp_path / "vocabulary", tmp_path / "tokens"
    with pytest.raises(InputError, match="two shards are called first"):
        command.main(command.Args(shards, *args))
    before = shards[0].read_bytes()
    with pytest.raises(InputError, match="training: is the folder of the shards themselves"):
        command.main(command.Args(shards[:1], args[0], shards[0].parent))
    assert shards[0].read_bytes() == before


def test_shards_of_scenarios_and_of_tokens_are_told_apart(tmp_path, scenarios, vocabulary):
    vocabulary.write(tmp_path / "vocabulary")
    write_scenarios(tmp_path / "cached/first", scenarios[:1])
    args = [tmp_path / "cached/first"], tmp_path / "vocabulary", tmp_path / "tokens"
    command.main(command.Args(*args))
    with pytest.raises(InputError, match="give shards that `simagents cache` made"):
        ScenarioStore([tmp_path / "tokens/first"])
    with pytest.raises(InputError, match="give shards that `simagents tokenize` made"):
        TokenStore([tmp_path / "cached/first"])


def test_real_scenarios_tokenise(womd, vocabulary):
    from simagents.scenarios.womd.decode import read_scenarios

    for scenario in read_scenarios(min(womd.glob("validation.tfrecord-*"))):
        scene = tokenize(scenario, vocabulary)
        assert scene.valid[:, 1].all()
        assert np.isfinite(scene.pose).all()
        assert len(scene.map_token) > 100
        assert np.abs(scene.logged[scene.logged_valid][:, :2]).max() < 1000
