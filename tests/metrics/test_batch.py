"""Scenes scored together are scored as each of them is alone."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from simagents.errors import InputError
from simagents.metrics import (
    Challenge,
    LogReference,
    features,
    leave_one_out,
    rollout_statistics,
    score,
    score_singly,
)
from simagents.metrics.concatenation import Pairs
from simagents.metrics.culling import SCENES
from simagents.metrics.scene_features import LoggedScenes

CHALLENGE = Challenge.of(2025)
ROLLOUTS = 4


@pytest.fixture(scope="module")
def scenes(scenarios, street):
    """Synthetic scenes, one agent alone, a red light, no light, and agents that are not scored."""
    three = {"start": ((0, 0), (20, 0.5), (5, 4)), "speed": (12, 8, 1.5), "types": (1, 1, 2)}
    unscored = replace(street(**three), to_predict=np.array([False, True, False]))
    return [scenarios[0], street(), street(**three, stop=60.5), unscored, *scenarios[1:]]


@pytest.fixture(scope="module")
def rollouts(scenes, as_rollouts):
    return [as_rollouts(scene, ROLLOUTS, noise=0.3) for scene in scenes]


@pytest.fixture(scope="module")
def references(scenes):
    return [LogReference.of(scene, CHALLENGE) for scene in scenes]


@pytest.fixture(scope="module")
def joined(references):
    return LogReference.join(references)


def assert_same_bits(one, other, name=""):
    assert torch.equal(one.isnan(), other.isnan()), name
    assert torch.equal(one.nan_to_num(), other.nan_to_num()), name


def test_the_scenes_differ(joined, references):
    """There are scenes with and without signals, with one agent and with more than ten."""
    assert len(joined.scene) == len(references) == 6
    assert {0} < {len(reference.scene.lights.lane) for reference in references}
    assert {len(reference.scene.size) for reference in references} > {1, 3}
    assert max(joined.scene.neighbours.counts) > 10


@pytest.mark.parametrize("budget", [1000, None])
def test_features_of_a_batch_are_those_of_each_scene(joined, references, rollouts, budget):
    together = features(joined, torch.cat(rollouts, dim=1), budget=budget)
    sizes = [len(reference.valid) for reference in references]
    alone = [features(*pair) for pair in zip(references, rollouts, strict=True)]
    for field in fields(together):
        parts = getattr(together, field.name).split(sizes, dim=1)
        for part, single in zip(parts, alone, strict=True):
            assert_same_bits(part, getattr(single, field.name), field.name)


@pytest.mark.parametrize("of", [score, score_singly, leave_one_out])
def test_scores_of_a_batch_are_those_of_each_scene(joined, references, rollouts, of):
    together = of(joined, rollout_statistics(joined, torch.cat(rollouts, dim=1)))
    for number, (reference, simulated) in enumerate(zip(references, rollouts, strict=True)):
        alone = of(reference, rollout_statistics(reference, simulated))
        for field in fields(together):
            part = getattr(together[number], field.name)
            assert_same_bits(part, getattr(alone, field.name), field.name)


def test_the_order_of_scenes_is_the_order_of_scores(joined, references, rollouts):
    backwards = LogReference.join(references[::-1])
    found = score(backwards, rollout_statistics(backwards, torch.cat(rollouts[::-1], dim=1)))
    expected = score(joined, rollout_statistics(joined, torch.cat(rollouts, dim=1)))
    assert torch.equal(found.metametric.flip(0), expected.metametric)


def test_references_of_several_scenarios_are_joined_ones(joined, scenes):
    built = LogReference.of(scenes, CHALLENGE)
    assert torch.equal(built.happened, joined.happened)
    assert torch.equal(built.vehicle, joined.vehicle)
    for name, counts in joined.counts.items():
        assert torch.equal(built.counts[name], counts)


def test_a_batch_of_one_has_one_number(references, rollouts):
    one = LogReference.join(references[:1])
    found = score(one, rollout_statistics(one, rollouts[0])).metametric
    alone = score(references[0], rollout_statistics(references[0], rollouts[0])).metametric
    assert found.tolist() == [alone.item()]


def test_joined_batches_join(joined, references):
    nested = LogReference.join(
        [LogReference.join(references[:2]), LogReference.join(references[2:])]
    )
    assert torch.equal(nested.scene.number, joined.scene.number)
    assert torch.equal(nested.scene.neighbours.other, joined.scene.neighbours.other)
    assert torch.equal(nested.scene.edges.prior, joined.scene.edges.prior)


def test_challenges_do_not_mix(scenes):
    """2024 and 2025 have equal bins, so that nothing else would notice."""
    references = [LogReference.of(scenes[1], Challenge.of(year)) for year in (2024, 2025)]
    with pytest.raises(InputError, match="different challenges"):
        LogReference.join(references)


def test_too_many_scenes_are_refused(references):
    with pytest.raises(InputError, match=f"at most {SCENES} scenes"):
        LoggedScenes.join([references[1].scene] * (SCENES + 1))


def test_every_pair_is_in_one_part():
    chosen = torch.tensor([[True, False, True], [False, False, False], [True, True, True]])
    pairs = Pairs.of(chosen)
    for limit in (1, 2, 3, 100):
        parts = list(pairs.split(limit))
        assert [part.start for part, _ in parts] == [0, *(part.stop for part, _ in parts)][:-1]
        assert parts[-1][0].stop == 3
        ego = torch.cat([part.ego + egos.start for egos, part in parts])
        assert torch.equal(ego, pairs.ego)
        assert torch.equal(torch.cat([part.other for _, part in parts]), pairs.other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_batch_on_a_gpu_agrees(scenes, joined, rollouts):
    """Sines differ in the last bit, so distances may, and one value in a thousand its bin."""
    simulated = torch.cat(rollouts, dim=1)
    there = LogReference.of(scenes, CHALLENGE, device="cuda")
    found = score(there, rollout_statistics(there, simulated.cuda()))
    expected = score(joined, rollout_statistics(joined, simulated))
    for field in fields(found):
        torch.testing.assert_close(
            getattr(found, field.name).cpu(), getattr(expected, field.name), atol=1e-4, rtol=0
        )
