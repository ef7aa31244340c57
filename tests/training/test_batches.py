"""Which scenes a step sees: a function of (seed, place), shared without gaps or overlaps."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.errors import InputError
from simagents.scenarios.roles import has_role, trainable_by_log
from simagents.scenarios.shard_file import Store, write_shard
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.synthetic import generate_scenario
from simagents.training.data.batches import MOST_TRAINED, TrainingScenes, batches
from simagents.training.data.order import Share, order_seed, scene_at


@given(st.integers(1, 50), st.integers(0, 10), st.integers(0, 2**32))
def test_every_epoch_visits_every_scene_once(scenes, epoch, seed):
    places = range(epoch * scenes, (epoch + 1) * scenes)
    assert sorted(scene_at(place, scenes, seed) for place in places) == list(range(scenes))


def test_the_order_is_a_function_of_seed_and_place():
    order = [scene_at(place, 20, 3) for place in range(60)]
    assert [scene_at(place, 20, 3) for place in reversed(range(60))] == order[::-1]
    assert order[:20] != order[20:40]
    assert order != [scene_at(place, 20, 4) for place in range(60)]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 9))
def test_processes_share_a_batch_without_gaps_or_overlaps(world_size, micro, accumulation, step):
    """Together they take just the places that one process takes, micro-batch by micro-batch."""
    batch = world_size * micro * accumulation
    by_rank = [Share(rank, world_size, micro).starts(step, batch) for rank in range(world_size)]
    assert {len(starts) for starts in by_rank} == {accumulation}
    assert sorted(sum(by_rank, [])) == Share(0, 1, micro).starts(step, batch)
    assert Share(0, 1, micro).starts(step, batch)[0] == step * batch


@pytest.mark.parametrize(("world_size", "batch"), [(2, 3), (3, 8), (4, 2)])
def test_a_batch_that_does_not_divide_is_refused(world_size, batch):
    with pytest.raises(
        InputError, match=f"a global batch of {batch} scenes cannot be shared by {world_size}"
    ):
        Share.of(0, world_size, batch, 1)


@pytest.mark.parametrize(
    ("world_size", "batch", "at_most", "micro"),
    [(1, 8, 4, 4), (1, 2, 4, 2), (2, 12, 4, 3), (2, 14, 4, 1), (1, 7, 9, 7)],
)
def test_micro_batches_are_the_largest_that_divide(world_size, batch, at_most, micro):
    assert Share.of(0, world_size, batch, at_most).micro == micro


def test_stages_of_one_parent_see_the_same_scenes_and_its_descendants_others(recipe_of):
    """A second fine-tuning, whose parent is the first, does not repeat the order of the first."""
    first, beside, second = (
        order_seed(recipe_of(parent=name)) for name in ("bc-1", "bc-1", "sft-1")
    )
    assert first == beside
    assert len({first, second, order_seed(recipe_of()), order_seed(recipe_of(seed=1))}) == 4


def test_held_out_scenes_are_never_trained_on(disk, recipe_of):
    recipe = recipe_of(held_out=4)
    scenes = TrainingScenes(disk.scenarios, disk.tokens, recipe)
    seen = {name for place in range(12) for name in scenes[[place]].scenes.ids}
    assert seen == set(scenes.tokens.ids[4:])
    with pytest.raises(InputError, match="6 training scenes, 6 of them held out: nothing is left"):
        TrainingScenes(disk.scenarios, disk.tokens, recipe_of(held_out=6))


def test_reinforcement_does_without_scenes_that_cannot_be_scored(
    disk, recipe_of, without_edges, tmp_path
):
    """The order is one of the others; imitation visits all, and so does a resumed run again."""
    scenarios = [generate_scenario(5, index) for index in (2, 0, 4, 1, 3, 5)]
    for place in (0, 3, 5):
        scenarios[place] = without_edges(scenarios[place])
    shard = tmp_path / "scenarios"
    write_scenarios(shard, scenarios)
    imitation = TrainingScenes([shard], disk.tokens, recipe_of())
    reinforcement = TrainingScenes([shard], disk.tokens, recipe_of(budget={"rollouts": 2}))
    ids = [scenario.id for scenario in scenarios]
    kept = [ids[row] for row in (1, 2, 4)]
    visited = [reinforcement[[place]].scenes.ids[0] for place in range(6)]
    assert visited == [kept[scene_at(place, 3, reinforcement.seed)] for place in range(6)]
    assert visited[::-1] == [reinforcement[[place]].scenes.ids[0] for place in range(5, -1, -1)]
    assert {imitation[[place]].scenes.ids[0] for place in range(5)} == set(ids[1:])
    assert imitation.left_out == ""
    assert reinforcement.left_out == (
        "2 of 5 training scenes cannot be scored (has no road edge of two points or more: 2);"
        " reinforcement leaves them out."
    )
    with pytest.raises(
        InputError, match=r"1 of 1 training scenes cannot .* nothing is left for rei"
    ):
        TrainingScenes([shard], disk.tokens, recipe_of(held_out=5, budget={"rollouts": 2}))


def test_shards_that_do_not_know_what_can_be_scored_are_made_again(disk, recipe_of, tmp_path):
    """Imitation does not need to know."""
    old = tmp_path / "old"
    store = Store(disk.scenarios)
    write_shard(old, [(name, store[row]) for row, name in enumerate(store.ids)])
    TrainingScenes([old], disk.tokens, recipe_of())
    with pytest.raises(InputError, match=r"old: made by an earlier version, .* `simagents cache`"):
        TrainingScenes([old], disk.tokens, recipe_of(budget={"rollouts": 2}))


def test_logs_come_along_where_a_reward_needs_them(disk, recipe_of):
    assert TrainingScenes(disk.scenarios, disk.tokens, recipe_of())[[0]].scenarios == []
    batch = TrainingScenes(disk.scenarios, disk.tokens, recipe_of(budget={"rollouts": 2}))[[0, 1]]
    assert tuple(scenario.id for scenario in batch.scenarios) == batch.scenes.ids
    assert [len(scenario.simulated) for scenario in batch.scenarios] == torch.bincount(
        batch.scenes.agent_scene
    ).tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_going_on_is_as_if_one_had_never_stopped(disk, recipe_of, workers):
    recipe = recipe_of()
    scenes, share = TrainingScenes(disk.scenarios, disk.tokens, recipe), Share(0, 1, 1)
    whole = list(batches(scenes, recipe, share, 0, 0))
    rest = list(batches(scenes, recipe, share, 5, workers))
    assert [step for step, _ in whole] == list(range(8))
    for (step, one), (again, other) in zip(whole[5:], rest, strict=True):
        assert step == again
        assert [b.first for b in one] == [b.first for b in other] == [2 * step, 2 * step + 1]
        for first, second in zip(one, other, strict=True):
            assert first.scenes.ids == second.scenes.ids
            assert torch.equal(first.scenes.trained, second.scenes.trained)


def test_at_most_32_agents_are_trained_on_roles_first(disk, recipe_of):
    scenes = TrainingScenes(disk.scenarios, disk.tokens, recipe_of())
    scene, count = scenes.tokens[0], 60
    rows = np.arange(count) % len(scene.agent_class)
    names = [f.name for f in fields(scene) if f.name != "origin" and not f.name.startswith("map")]
    crowd = replace(scene, **{name: getattr(scene, name)[rows] for name in names})
    crowd.has_role[:] = np.arange(count) < 5
    crowd.trainable[:] = np.arange(count) < 50
    chosen = [scenes._trained(crowd.has_role, crowd.trainable, place) for place in (0, 0, 1)]
    assert [int(mask.sum()) for mask in chosen] == [MOST_TRAINED] * 3
    assert all(mask[:5].all() and not mask[50:].any() for mask in chosen)
    assert np.array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


def test_scenes_of_a_family_without_tokens_come_from_the_log_alone(disk, recipe_of):
    """The agents to learn from are then chosen by the raw log: nearly those of the cleaned one."""
    recipe = recipe_of()
    with_tokens = TrainingScenes(disk.scenarios, disk.tokens, recipe)
    scenario, scene = with_tokens.scenarios[0], with_tokens.tokens[0]
    by_log = trainable_by_log(scenario)
    assert np.array_equal(has_role(scenario), scene.has_role)
    assert (by_log == scene.trainable).mean() > 0.9
    with pytest.raises(InputError, match="this model family reads tokenised scenes"):
        TrainingScenes(disk.scenarios, None, recipe)[[0]]


def test_what_cannot_be_read_is_an_error_of_one_sentence(disk, recipe_of):
    scenes = TrainingScenes(disk.scenarios, None, recipe_of())
    with pytest.raises(InputError) as raised:
        next(batches(scenes, recipe_of(), Share(0, 1, 1), 0, workers=0))
    assert str(raised.value).startswith("this model family reads tokenised scenes")
    assert len(str(raised.value).splitlines()) == 1


def test_tokens_of_another_vocabulary_are_refused(disk, recipe_of, vocabulary):
    TrainingScenes(disk.scenarios, disk.tokens, recipe_of(), vocabulary)
    other = replace(vocabulary, motion=vocabulary.motion.flip(1))
    with pytest.raises(InputError, match="tokenised by another vocabulary than --vocabulary"):
        TrainingScenes(disk.scenarios, disk.tokens, recipe_of(), other)


def test_other_scenarios_than_the_tokens_are_refused(disk, recipe_of):
    with pytest.raises(InputError, match="--scenarios and --tokens hold different scenarios"):
        TrainingScenes(disk.scenarios, disk.tokens[::-1], recipe_of())
