"""What is measured of a policy while it trains."""

import math
from dataclasses import replace

import pytest
import torch

from simagents.models.paths import Paths
from simagents.simulation.controller import Assignment
from simagents.simulation.rules import RULES
from simagents.simulation.simulator import simulate
from simagents.training.data.batches import TrainingScenes
from simagents.training.distributed.processes import Processes
from simagents.training.learners.imitation import imitable
from simagents.training.validation import Validation, described

ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.fixture
def validation(disk, recipe_of):
    """Over `scenes` of two held-out ones, `at_once` in memory."""

    def make(scenes=2, at_once=2, **budget):
        settings = {"scenes": scenes, "rollouts": 2, "sampling": {"top_k": 0, "temperature": 1.0}}
        recipe = recipe_of(held_out=2, validation=settings, budget=budget)
        return Validation(
            TrainingScenes(disk.scenarios, disk.tokens, recipe), recipe, ALONE, at_once
        )

    return make


@pytest.mark.parametrize(
    ("validations", "after"), [(0, []), (1, [10]), (4, [3, 5, 8, 10]), (10, list(range(1, 11)))]
)
def test_it_comes_evenly_and_at_the_end(validation, validations, after):
    measured = validation(steps=10, validations=validations)
    assert [done for done in range(1, 11) if measured.due(done)] == after


def test_the_cross_entropy_is_the_mean_surprise_at_the_log(validation, policy):
    """By hand, scene by scene, over all actions that imitation could learn from."""
    measured = validation(at_once=1)
    surprises = []
    for row in range(2):
        scenes = measured.scenes.held_out([row]).scenes
        paths = policy.logged_paths(scenes)
        log_prob = policy(scenes, paths).log_prob(paths.chosen)
        surprises.append(-log_prob[imitable(scenes, paths)])
    numbers = measured(policy)
    assert numbers["validation_cross_entropy"] == pytest.approx(torch.cat(surprises).mean().item())
    together = validation(at_once=2)(policy)
    assert numbers == pytest.approx(together, rel=1e-5)


def test_a_policy_that_stands_still_drives_nothing_of_the_log(validation, policy, monkeypatch):
    monkeypatch.setattr(
        "simagents.training.validation.roll_out",
        lambda policy, scenes, *_: _standing(scenes),
    )
    assert validation()(policy)["validation_driven"] == pytest.approx(0.0, abs=1e-4)


def _standing(scenes):
    everyone = torch.ones(len(scenes.agent_scene), dtype=torch.bool)
    trajectories = simulate(scenes, 2, [Assignment(RULES["stand_still"](0, 2), everyone)])
    return type("Rollouts", (), {"trajectories": trajectories})


def test_measuring_changes_no_random_number_and_no_weight(validation, policy):
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    validation()(policy)
    assert torch.rand(4).equal(expected)
    assert all(tensor.equal(before[name]) for name, tensor in policy.state_dict().items())


def test_without_the_map_is_a_scene_whose_map_is_far_away(policy, batch):
    paths = policy.logged_paths(batch)
    far = batch.representation.map_pose.clone()
    far[:, 0] += 1e5
    empty = replace(batch, representation=replace(batch.representation, map_pose=far))
    counted = imitable(batch, paths)

    def log_prob(seeing, scenes):
        return seeing(scenes, paths).log_prob(paths.chosen)[counted]

    blind = log_prob(policy.without("map"), batch)
    assert blind.equal(log_prob(policy, empty))
    assert (blind - log_prob(policy, batch)).abs().max() > 1e-4


def test_without_neighbours_every_agent_is_alone_in_its_world(policy, batch):
    """Each row of the paths in a world of its own."""
    paths: Paths = policy.logged_paths(batch)
    apart = replace(paths, world=torch.arange(len(paths.world)))
    counted = imitable(batch, paths)
    blind = policy.without("neighbours")(batch, paths).log_prob(paths.chosen)[counted]
    alone = policy(batch, apart).log_prob(paths.chosen)[counted]
    torch.testing.assert_close(blind, alone, rtol=1e-5, atol=1e-5)
    seen = policy(batch, paths).log_prob(paths.chosen)[counted]
    assert (blind - seen).abs().max() > 1e-4


def test_the_line_for_the_log(validation, policy):
    numbers = validation()(policy)
    rise = numbers["validation_rise_without_map"]
    assert math.isfinite(rise)
    line = described(numbers)
    assert f"cross-entropy {numbers['validation_cross_entropy']:.3f}" in line
    assert f"{rise:+.3f} without map" in line
    assert line.endswith("of the logged metres driven")
