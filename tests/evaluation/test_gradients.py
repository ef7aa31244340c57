"""Score functions are those that the loss multiplies by advantages; rewards are those of training."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from simagents.algorithms.weights import rollout_mean, weighted
from simagents.config.algorithms import Sampling
from simagents.config.rewards import Realism
from simagents.errors import InputError
from simagents.evaluation import gradients
from simagents.evaluation.score_functions import CountSketch
from simagents.models.families import build_policy, freeze
from simagents.report.gradient_noise import symmetric
from simagents.rewards.realism import build
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out

SAMPLING = {"top_k": 16, "temperature": 1.0}
SETTINGS = {
    "scenes": 3,
    "rollouts": 4,
    "group": 4,
    "challenge": 2025,
    "sampling": SAMPLING,
    "seed": 5,
}


@pytest.fixture
def measure(measured, scenarios):
    """Measures an untrained policy; returns the arrays, and the matrix of dot products as `gram`."""

    def arrays(**changes):
        found = load_file(measured(gradients, scenarios, SETTINGS | changes))
        return found | {"gram": torch.from_numpy(symmetric(found["products"].numpy()))}

    return arrays


def test_the_gradient_of_a_loss_follows_from_dot_products(
    measure, scenarios, scenes, read, vocabulary, recipe_of, monkeypatch
):
    """Any advantages: |∇ Σ A_r × mean log-probability|² is A·G·A, in one scene of the file."""
    arrays, place = measure(), 1
    recipe = recipe_of(trains="agents")
    policy = build_policy(recipe, vocabulary).eval()
    freeze(policy, recipe)
    batch = read([scenarios[place]], [scenes[place]])
    sampling = Sampling(**SAMPLING)
    sampled = roll_out(policy, batch, 4, lambda draws: Sample(draws, sampling), 5)
    log_prob = policy(batch, sampled.paths).drawn_by(sampling, sampled.paths.support)
    log_prob = log_prob.log_prob(sampled.paths.chosen).unflatten(0, (4, -1))
    advantage = torch.tensor([0.3, -1.0, 0.5, 2.0])
    weight = rollout_mean(torch.ones_like(log_prob, dtype=torch.bool), 1.0)
    gain = weighted(weight, log_prob * advantage[:, None, None])
    trained = [weight for weight in policy.parameters() if weight.requires_grad]
    length = sum(part.square().sum() for part in torch.autograd.grad(gain, trained))
    own = arrays["gram"].view(3, 4, 3, 4)[place, :, place]
    torch.testing.assert_close(advantage @ own @ advantage, length, rtol=1e-4, atol=0)

    for scored, name, others in (("scene", "rewards.4", True), ("rollout", "rewards.1", False)):
        reward = build(Realism(kind="realism", challenge=2025, scored=scored))
        rewards = reward([scenarios[place]], sampled.trajectories, without=others)
        expected = rewards.total[0, :, 0, 0]
        torch.testing.assert_close(arrays[name][place].expand(4), expected, rtol=0, atol=1e-6)
        if others:
            without = arrays["without.4"][place, 0]
            torch.testing.assert_close(without, rewards.without[0], rtol=0, atol=1e-6)
    assert arrays["without.2"].shape == (3, 2, 2)
    # A pair without its first member is the second one alone.
    single = arrays["rewards.1"].view(3, 2, 2)
    torch.testing.assert_close(arrays["without.2"], single.flip(-1))

    monkeypatch.setattr(gradients, "MOST_WEIGHTS", 10)
    sketched = measure()
    diagonal = arrays["gram"].diagonal()
    # The standard error of a dot product is at most |u| |v| √(2 / buckets).
    error = (diagonal[:, None] * diagonal).sqrt() * (2 / 2**16) ** 0.5
    off = ((sketched["gram"] - arrays["gram"]) / error).abs()
    assert 0.01 < off.max() < 5


def test_dot_products_of_sketches_are_unbiased():
    random = np.random.default_rng(0)
    first, second = torch.from_numpy(random.normal(size=(2, 500)).astype(np.float32))
    exact = float(first @ second)
    estimates = []
    for seed in range(400):
        sketch = CountSketch(500, buckets=50, seed=seed)
        estimates.append(float(sketch(first) @ sketch(second)))
    lengths = float(first.square().sum() * second.square().sum())
    predicted = ((lengths + exact**2) / 50) ** 0.5
    assert abs(np.mean(estimates) - exact) < 4 * predicted / 20
    assert np.std(estimates) == pytest.approx(predicted, rel=0.15)


def test_what_cannot_be_measured_is_said(measure):
    with pytest.raises(InputError, match="3 training scenes are fewer than 4"):
        measure(scenes=4)
    with pytest.raises(InputError, match="must be a power of two"):
        measure(rollouts=6)
    with pytest.raises(InputError, match="`group` must be at most `rollouts`"):
        measure(group=8)
