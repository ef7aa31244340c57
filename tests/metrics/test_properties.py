"""What must hold for scenes of any size and any place."""

from dataclasses import fields, replace
from math import pi

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simagents.metrics import Challenge, LogReference, features, rollout_statistics, score
from simagents.metrics.boxes import signed_distance

CHALLENGE = Challenge.of(2025)


def scores_of(scenario, rollouts):
    reference = LogReference.of(scenario, CHALLENGE)
    return score(reference, rollout_statistics(reference, rollouts))


@pytest.fixture(scope="module")
def traffic(street):
    """Cars in rows of eight, 11 m apart: `traffic(n)` has n of them, all evaluated."""

    def of(count):
        start = [(11.0 * (i % 8), 4.0 * (i // 8) - 4.0) for i in range(count)]
        return street(start=start, speed=[8.0 + i % 3 for i in range(count)], types=[1] * count)

    return of


@pytest.mark.parametrize("agents", [1, 2, 128])
def test_any_number_of_agents_has_a_score(traffic, as_rollouts, agents):
    scenario = traffic(agents)
    scores = scores_of(scenario, as_rollouts(scenario, 2, noise=0.2)).numbers()
    assert all(np.isfinite(value) for value in scores.values())
    assert 0 < scores["metametric"] < 1


def test_agents_far_away_change_nothing(traffic, as_rollouts):
    """Two more cars, not scored and a kilometre off, leave every feature of the others alone."""
    few, more = traffic(3), traffic(5)
    more = replace(more, to_predict=np.arange(5) < 3)
    more.position[3:, :, :2] += [0, 1000]
    theirs = as_rollouts(more, 2, noise=0.3)
    here = features(LogReference.of(few, CHALLENGE), theirs[:, :3])
    there = features(LogReference.of(more, CHALLENGE), theirs)
    for field in fields(here):
        one, other = getattr(here, field.name), getattr(there, field.name)
        assert torch.equal(one.nan_to_num(), other.nan_to_num()), field.name


def test_copies_of_all_rollouts_leave_shares_unchanged(traffic, as_rollouts):
    """Counts double, so that frequencies agree but for what the pseudocounts weigh."""
    scenario = traffic(3)
    rollouts = as_rollouts(scenario, 8, noise=0.3)
    reference = LogReference.of(scenario, CHALLENGE)
    once, twice = (rollout_statistics(reference, torch.cat([rollouts] * times)) for times in (1, 2))
    for name, counts in once.counts.items():
        assert torch.equal(twice.counts[name].sum(0), 2 * counts.sum(0))
    assert torch.equal(twice.happened, torch.cat([once.happened] * 2))


def test_rollouts_have_the_features_that_they_have_alone(traffic, as_rollouts):
    scenario = traffic(4)
    rollouts = as_rollouts(scenario, 5, noise=0.3)
    reference = LogReference.of(scenario, CHALLENGE)
    together = features(reference, rollouts)
    for i in range(5):
        alone = features(reference, rollouts[i : i + 1])
        for field in fields(alone):
            one, other = getattr(together, field.name)[i], getattr(alone, field.name)[0]
            assert torch.equal(one.nan_to_num(), other.nan_to_num()), field.name


def test_a_moved_scene_scores_the_same(scenarios, moved, as_rollouts):
    """Turned and shifted. Lights are left out, since their lanes end at the world's origin, and so
    is what two headings on either side of +-180 degrees would change."""
    scenario = scenarios[0]
    dark = replace(
        scenario,
        light_lane=scenario.light_lane[:0],
        light_state=scenario.light_state[:0],
        light_stop=scenario.light_stop[:0],
    )
    angle, dx, dy = 0.4, 300.0, -200.0
    rollouts = as_rollouts(dark, 3, noise=0.2)
    cos, sin = np.cos(angle), np.sin(angle)
    there = rollouts.double()
    x, y = there[..., 0].clone(), there[..., 1].clone()
    there[..., 0], there[..., 1] = x * cos - y * sin + dx, x * sin + y * cos + dy
    there[..., 3] += angle
    here = features(LogReference.of(dark, CHALLENGE), rollouts)
    found = features(LogReference.of(moved(dark, angle, dx, dy), CHALLENGE), there.float())
    for name in ("linear_speed", "distance_to_nearest_object", "distance_to_road_edge"):
        one, other = getattr(here, name), getattr(found, name)
        close = torch.isclose(one, other, atol=5e-3, rtol=1e-3, equal_nan=True)
        assert close.double().mean() > 0.999, name  # a corner between two edges may change sides


def test_whole_turns_change_no_distance_and_no_yaw_rate(traffic, as_rollouts):
    """Headings are used as given; 2 pi more is the same direction, and far from float32's end."""
    scenario = traffic(3)
    rollouts = as_rollouts(scenario, 2, noise=0.2)
    turned = rollouts.clone()
    turned[..., 3] += 2 * pi
    reference = LogReference.of(scenario, CHALLENGE)
    here, there = features(reference, rollouts), features(reference, turned)
    late = (..., slice(1, None))  # the first step's yaw rate reaches back into the log
    for name in ("distance_to_nearest_object", "distance_to_road_edge", "angular_speed"):
        one, other = getattr(here, name)[late], getattr(there, name)[late]
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0, equal_nan=True)


def test_invalid_steps_of_the_log_hide_nobody_in_rollouts(street, as_rollouts):
    """Rollouts are valid everywhere: a car that the log loses is still there to be hit."""
    scenario = street(start=((0, 0), (5, 0)), speed=(10, 10), types=(1, 1))
    valid = scenario.valid.copy()
    valid[1, 50:] = False
    lost = LogReference.of(replace(scenario, valid=valid), CHALLENGE)
    found = features(lost, as_rollouts(scenario)).distance_to_nearest_object
    assert found[0, 0].tolist() == pytest.approx([1.0] * 80, abs=1e-4)
    assert lost.counts["distance_to_nearest_object"].sum(dim=1).tolist() == [80, 39]
    logged = lost.scene.log_features().distance_to_nearest_object
    assert (logged[0, 0, 39:] == 1e10).all()


def test_without_a_light_nobody_passes_a_red_one(traffic, as_rollouts):
    scores = scores_of(traffic(2), as_rollouts(traffic(2), 4)).numbers()
    assert scores["simulated_traffic_light_violation_rate"] == 0
    assert scores["traffic_light_violation_likelihood"] == pytest.approx(4.001 / 4.002)


def test_agents_beyond_all_cells_are_measured_too(street, as_rollouts):
    """Beyond 262 km all points share a cell. North of the northern edge is off the road."""
    scenario = street()
    gone = as_rollouts(scenario)
    gone[..., 1] += 300_000
    found = features(LogReference.of(scenario, CHALLENGE), gone).distance_to_road_edge
    assert found[0, 0, 0].item() == pytest.approx(300_000 + 1 - 6, abs=0.1)


poses = st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.floats(-pi, pi))
sizes = st.tuples(st.floats(0.5, 6), st.floats(0.5, 3))


def distance(*rows):
    return signed_distance(
        *(torch.tensor(row, dtype=torch.float32)[:, None] for row in rows)
    ).item()


@settings(max_examples=60, deadline=None)
@given(poses, sizes, poses, sizes)
def test_distance_of_boxes_is_mutual(pose, size, other_pose, other_size):
    there = distance(pose, size, other_pose, other_size)
    back = distance(other_pose, other_size, pose, size)
    assert back == pytest.approx(there, abs=1e-3)  # the order of the sum's sides may differ


@settings(max_examples=60, deadline=None)
@given(poses, sizes, poses, sizes)
def test_distance_lies_between_circles(pose, size, other_pose, other_size):
    """Circles in and around the boxes: what culling relies on."""
    gap = np.hypot(pose[0] - other_pose[0], pose[1] - other_pose[1])
    found = distance(pose, size, other_pose, other_size)
    assert found <= gap - min(size) / 2 - min(other_size) / 2 + 1e-3
    assert found >= gap - np.hypot(*size) / 2 - np.hypot(*other_size) / 2 - 1e-3
