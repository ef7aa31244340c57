"""The learning rate, by hand."""

import pytest

from algorithm_cases import ALGORITHMS
from simagents.training.schedule import policy_factor, rate_factor


def rates(recipe_of, steps, **optimiser):
    recipe = recipe_of(budget={"steps": steps}, optimiser=optimiser)
    return [rate_factor(step, recipe) for step in range(steps)]


def test_a_cosine_without_warm_up(recipe_of):
    """Four steps from 1 towards 0: cos 0, 45, 90 and 135 degrees, halved and lifted."""
    by_step = rates(recipe_of, 4, final_ratio=0.0)
    assert by_step == pytest.approx([1, 0.853553, 0.5, 0.146447], abs=1e-6)


def test_it_ends_at_the_final_ratio(recipe_of):
    by_step = rates(recipe_of, 1000, final_ratio=0.05)
    assert by_step[0] == 1
    assert by_step[-1] == pytest.approx(0.05, abs=1e-4)
    assert by_step == sorted(by_step, reverse=True)


def test_warm_up_is_linear_and_reaches_the_top(recipe_of):
    """A quarter of 16 steps."""
    by_step = rates(recipe_of, 16, warmup=0.25)
    assert by_step[:5] == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert max(by_step) == 1


def test_one_step_and_all_warm_up(recipe_of):
    assert rates(recipe_of, 1) == [1]
    assert rates(recipe_of, 4, warmup=1.0) == pytest.approx([0.25, 0.5, 0.75, 1])


def test_a_linear_and_a_constant_schedule(recipe_of):
    """Ten steps, two of them warm-up."""
    linear = rates(recipe_of, 10, warmup=0.2, schedule="linear", final_ratio=0.2)
    assert linear == pytest.approx([0.5, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    constant = rates(recipe_of, 10, warmup=0.2, schedule="constant", final_ratio=0.2)
    assert constant == [0.5] + 9 * [1]


def test_the_policy_warms_up_after_the_value_head(recipe_of):
    """Ten steps: two for the head alone, and a warm-up of four."""
    credit = {"rule": "gae", "discount": 1.0, "gae_lambda": 0.95}
    credit["value"] = {"start": 0.0, "weight": 0.5, "warmup": 0.2, "learning_rate": 1e-3}
    algorithm = {**ALGORITHMS["ppo"], "credit": credit}
    optimiser = {"warmup": 0.4, "schedule": "constant"}
    recipe = recipe_of(algorithm=algorithm, budget={"steps": 10}, optimiser=optimiser)
    by_step = [policy_factor(step, recipe) for step in range(10)]
    assert by_step == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
