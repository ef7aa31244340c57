"""What must hold for the scores of any rollouts."""

from dataclasses import fields, replace

import jaxtyping
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
    score_subsets,
)

CHALLENGE = Challenge.of(2025)
THREE = {"start": ((0, 0), (20, 0.5), (5, 4)), "speed": (12, 8, 1.5), "types": (1, 1, 2)}


@pytest.fixture(scope="module")
def scenario(street):
    """Two cars in a row, towards a red light, and a pedestrian beside them."""
    return street(**THREE, stop=60.5)


@pytest.fixture(scope="module")
def rollouts(scenario, as_rollouts):
    return as_rollouts(scenario, count=6, noise=0.3)


@pytest.fixture(scope="module")
def reference(scenario):
    return LogReference.of(scenario, CHALLENGE)


@pytest.fixture(scope="module")
def statistics(reference, rollouts):
    return rollout_statistics(reference, rollouts)


def scores_of(reference, rollouts):
    return score(reference, rollout_statistics(reference, rollouts))


def assert_same(one, other, tolerance=1e-7):
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        torch.testing.assert_close(
            a, b, atol=tolerance, rtol=tolerance, equal_nan=True, msg=f"{field.name}: {a} {b}"
        )


def test_rollouts_are_told_apart(reference, statistics):
    """The scene is no trivial one: everything that can vary between rollouts does."""
    assert leave_one_out(reference, statistics).metametric.unique().numel() == len(statistics)
    assert 0 < score(reference, statistics).metametric < 1
    assert statistics.happened[:, :, 2].any()
    assert statistics.happened[:, :, 0].any()


@pytest.mark.parametrize("year", [2024, 2025])
def test_the_meta_metric_is_a_mean_of_buckets(scenario, rollouts, year):
    scores = scores_of(LogReference.of(scenario, Challenge.of(year)), rollouts).numbers()
    expected = (
        0.2 * scores["kinematic_metrics"]
        + 0.45 * scores["interactive_metrics"]
        + 0.35 * scores["map_based_metrics"]
    )
    assert scores["metametric"] == pytest.approx(expected, abs=1e-6)


def test_order_of_rollouts_does_not_matter(reference, rollouts):
    assert_same(scores_of(reference, rollouts), scores_of(reference, rollouts.flip(0)))


def test_order_of_agents_does_not_matter(scenario, reference, rollouts):
    order = np.array([2, 0, 1])
    names = (
        "agent_id", "agent_type", "to_predict", "of_interest", "position", "heading", "velocity",
        "valid", "size", "mean_size",
    )  # fmt: skip
    moved = {name: getattr(scenario, name)[order] for name in names}
    other = LogReference.of(replace(scenario, sdc=1, **moved), CHALLENGE)
    assert_same(scores_of(other, rollouts[:, order]), scores_of(reference, rollouts))


@pytest.mark.parametrize("budget", [3000, 3 * 3 * 80 * 2, 1 << 24])
def test_budget_changes_nothing(reference, rollouts, statistics, budget):
    chunked = rollout_statistics(reference, rollouts, budget=budget)
    for name, counts in statistics.counts.items():
        assert torch.equal(chunked.counts[name], counts)
    assert torch.equal(chunked.happened, statistics.happened)
    assert torch.equal(chunked.ade, statistics.ade)


def test_leaving_one_out_is_scoring_the_others(reference, rollouts, statistics):
    found = leave_one_out(reference, statistics)
    for left_out in range(len(rollouts)):
        others = torch.cat([rollouts[:left_out], rollouts[left_out + 1 :]])
        assert_same(at(found, left_out), scores_of(reference, others))


def test_single_rollouts(reference, rollouts, statistics):
    found = score_singly(reference, statistics)
    for i in range(len(rollouts)):
        assert_same(at(found, i), scores_of(reference, rollouts[i : i + 1]))


def test_a_weight_counts_copies(reference, rollouts, statistics):
    weights = torch.tensor([[2, 0, 1, 0, 0, 3]])
    copies = rollouts.repeat_interleave(weights[0], dim=0)
    found = score_subsets(reference, statistics, weights.float())
    assert_same(at(found, 0), scores_of(reference, copies))


def at(scores, index):
    return type(scores)(*(getattr(scores, field.name)[index] for field in fields(scores)))


def test_copies_leave_rates_and_displacement_unchanged(reference, rollouts):
    """Likelihoods do change: more rollouts make the pseudocounts weigh less."""
    once = scores_of(reference, rollouts).numbers()
    twice = scores_of(reference, torch.cat([rollouts, rollouts])).numbers()
    for name in once:
        if name.endswith(("_rate", "_error")):
            assert twice[name] == pytest.approx(once[name], abs=1e-7), name


def test_no_rollouts_have_no_score(reference, rollouts):
    """Leaving out the only rollout leaves nothing, which is worth NaN and not 0."""
    alone = leave_one_out(reference, rollout_statistics(reference, rollouts[:1]))
    assert all(getattr(alone, field.name).isnan().all() for field in fields(alone))


def test_the_log_itself_is_hard_to_beat(scenario, reference, rollouts, as_rollouts):
    logged = scores_of(reference, as_rollouts(scenario, count=32)).numbers()
    assert logged["metametric"] > scores_of(reference, rollouts).metametric
    assert logged["collision_indication_likelihood"] == pytest.approx(32.001 / 32.002, abs=1e-7)
    assert logged["average_displacement_error"] == 0


def test_a_log_without_a_future_has_no_likelihood(scenario, rollouts):
    """Histograms have nothing to score: NaN. Indicators count such agents as agreeing."""
    valid = scenario.valid.copy()
    valid[:, 11:] = False
    scores = scores_of(LogReference.of(replace(scenario, valid=valid), CHALLENGE), rollouts)
    assert scores.linear_speed_likelihood.isnan()
    assert scores.metametric.isnan()
    assert scores.collision_indication_likelihood.item() == pytest.approx(6.001 / 6.002)
    assert scores.simulated_collision_rate == 0


def test_history_counts_in_the_displacement(street, as_rollouts):
    """One metre aside in all 80 simulated steps, of 91: 80 / 91 m."""
    scenario = street()
    moved = as_rollouts(scenario, count=2)
    moved[0, :, :, 1] += 1
    scores = scores_of(LogReference.of(scenario, CHALLENGE), moved)
    assert scores.average_displacement_error.item() == pytest.approx(40 / 91)
    assert scores.min_average_displacement_error == 0


def test_the_best_rollout_is_best_for_the_scene(street, as_rollouts):
    """Each agent is 1 m off in one of two rollouts: either rollout is half a metre off."""
    scenario = street(start=((0, 0), (30, 0)), speed=(10, 10), types=(1, 1))
    moved = as_rollouts(scenario, count=2)
    moved[0, 0, :, 1] += 1
    moved[1, 1, :, 1] += 1
    scores = scores_of(LogReference.of(scenario, CHALLENGE), moved)
    assert scores.min_average_displacement_error.item() == pytest.approx(40 / 91)


def test_one_agent(street, as_rollouts):
    """Alone on the road: nobody to collide with, and still a score."""
    scenario = street()
    scores = scores_of(LogReference.of(scenario, CHALLENGE), as_rollouts(scenario, 32)).numbers()
    assert scores["simulated_collision_rate"] == 0
    assert scores["distance_to_nearest_object_likelihood"] == pytest.approx(2560.1 / 2561)
    assert 0.9 < scores["metametric"] < 1


def test_pedestrians_may_pass_red_lights_in_the_likelihood_only(street, as_rollouts):
    scenario = street(start=((0, 0), (5, 1)), speed=(10, 10), types=(1, 2), stop=50.5)
    scenario = replace(scenario, sdc=1)
    passing = as_rollouts(scenario)
    waiting = passing.clone()
    waiting[:, :, :, 0] = 20
    reference = LogReference.of(scenario, CHALLENGE)
    assert reference.happened[:, 2:].tolist() == [[True, True], [False, True]]
    assert scores_of(reference, passing).simulated_traffic_light_violation_rate == 1
    scores = scores_of(reference, waiting)
    assert scores.simulated_traffic_light_violation_rate == 0
    expected = (0.001 / 1.002 * 1.001 / 1.002) ** 0.5
    assert scores.traffic_light_violation_likelihood.item() == pytest.approx(expected, rel=1e-5)


def test_time_to_collision_of_pedestrians_counts_before_2025_only(street):
    scenario = street(**THREE)
    vehicles = LogReference.of(scenario, CHALLENGE)
    everyone = LogReference.of(scenario, replace(CHALLENGE, time_to_collision_of_all=True))
    assert vehicles.counts["time_to_collision"].sum(dim=1).tolist() == [80, 80, 0]
    assert everyone.counts["time_to_collision"].sum(dim=1).tolist() == [80, 80, 80]


def test_rigid_motion(street, as_rollouts):
    """The same street elsewhere and turned. Lights are left out: their lanes end at the origin."""
    scenario = street(**THREE)
    rollouts = as_rollouts(scenario, count=3, noise=0.2)
    angle, shift = 0.7, np.array([900.0, -400.0, 20.0], np.float32)
    turn = np.array(
        [[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]],
        np.float32,
    )
    moved = replace(
        scenario,
        position=scenario.position @ turn + shift,
        heading=scenario.heading + np.float32(angle),
        map_point=scenario.map_point @ turn + shift,
    )
    moved_rollouts = rollouts.clone()
    moved_rollouts[..., :3] = rollouts[..., :3] @ torch.from_numpy(turn) + torch.from_numpy(shift)
    moved_rollouts[..., 3] += angle
    here = features(LogReference.of(scenario, CHALLENGE), rollouts)
    there = features(LogReference.of(moved, CHALLENGE), moved_rollouts)
    for name, tolerance in {
        "linear_speed": 5e-3,
        "angular_speed": 1e-4,
        "distance_to_nearest_object": 1e-3,
        "distance_to_road_edge": 1e-3,
        "average_displacement_error": 1e-3,
    }.items():
        torch.testing.assert_close(
            getattr(there, name), getattr(here, name), atol=tolerance, rtol=0, equal_nan=True
        )


def test_wrong_rollouts_are_refused(reference, rollouts):
    with pytest.raises(InputError, match="rollouts have 2 agents where the scenario simulates 3"):
        rollout_statistics(reference, rollouts[:, :2])


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -3e38])
def test_values_without_a_distance_are_refused(reference, rollouts, value):
    broken = rollouts.clone()
    broken[3, 1, 40, 2] = value
    with pytest.raises(InputError, match="all must be finite"):
        rollout_statistics(reference, broken)


def test_whoever_drives_off_to_the_largest_number_has_a_score(reference, rollouts):
    gone = rollouts.clone()
    gone[0, :, 20:, :3] = 1e18
    gone[1, 0, 20:, 0] = -1e18
    assert 0 < scores_of(reference, gone).metametric < 1


@pytest.fixture
def unchecked():
    """Shapes and types as a user has them, whose annotations nobody checks."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rollouts: rollouts.double(), "torch.float64; torch.float32"),
        (lambda rollouts: rollouts.bfloat16(), "torch.bfloat16; torch.float32"),
        (lambda rollouts: rollouts[:, :, :79], r"shape \[6, 3, 79, 4\]"),
        (lambda rollouts: rollouts[..., :3], r"shape \[6, 3, 80, 3\]"),
        (lambda rollouts: rollouts[0], r"shape \[3, 80, 4\]"),
        (lambda rollouts: rollouts[:0], "one rollout at least"),
        (lambda rollouts: rollouts.to("meta"), "on meta and the log on cpu"),
    ],
)
def test_what_is_no_rollouts_is_refused(reference, rollouts, change, words):
    with pytest.raises(InputError, match=words):
        rollout_statistics(reference, change(rollouts))


def test_evaluated_agents_must_be_simulated(scenario):
    valid = scenario.valid.copy()
    valid[1, 10] = False
    with pytest.raises(InputError, match="street evaluates an agent that is not valid at the curr"):
        LogReference.of(replace(scenario, valid=valid), CHALLENGE)


@pytest.mark.parametrize("lines", [(), ([(0.0, 0.0, 0.0)],)])
def test_a_map_without_edges_has_no_metric(street, lines):
    with pytest.raises(InputError, match="scenario street has no road edge of two points or more"):
        LogReference.of(street(edges=lines), CHALLENGE)


def test_agents_that_are_not_simulated_do_not_exist(street, as_rollouts):
    """A car that the log sees from step 11 on is no neighbour, in the log neither."""
    both = street(start=((0, 0), (6, 0)), speed=(10, 10), types=(1, 1))
    valid = both.valid.copy()
    valid[1, :11] = False
    late = replace(both, valid=valid, to_predict=np.array([True, False]))
    reference, alone = LogReference.of(late, CHALLENGE), LogReference.of(street(), CHALLENGE)
    for name, counts in alone.counts.items():
        assert torch.equal(reference.counts[name], counts), name
    assert reference.scene.features(as_rollouts(late)).linear_speed.shape == (1, 1, 80)


def test_mixed_precision_around_it_changes_nothing(reference, rollouts, statistics):
    with torch.autocast("cpu", torch.bfloat16):
        found = rollout_statistics(reference, rollouts)
        scores = leave_one_out(reference, found)
    assert torch.equal(found.ade, statistics.ade)
    assert_same(scores, leave_one_out(reference, statistics), tolerance=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_agrees(scenario, rollouts, reference, statistics):
    """Sines differ in the last bit, so distances may; nothing here lies near an edge of a bin."""
    there = LogReference.of(scenario, CHALLENGE, device="cuda")
    found = score(there, rollout_statistics(there, rollouts.cuda()))
    for name, value in score(reference, statistics).numbers().items():
        assert found.numbers()[name] == pytest.approx(value, abs=1e-4), name
