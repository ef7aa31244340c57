"""Divergences: never negative, zero on the spot, right on average, and whose gradient they have."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.algorithms.kl import SAMPLED, k1, k3
from simagents.models.distribution import Categorical

logps = st.floats(-15, 0)
exact_reverse = Categorical.kl


def exact_forward(logp, logp_ref):
    return Categorical.kl(logp_ref, logp)


@given(logps, logps)
def test_k3_is_never_negative(logp, logp_ref):
    """The printed variant with the logarithm inverted is, wherever the reference is less likely."""
    one, other = (torch.tensor([x], dtype=torch.float64) for x in (logp, logp_ref))
    assert k3(one, other).item() >= 0
    assert (k3(one, other).item() < 1e-12) == (abs(logp - logp_ref) < 1e-6)


def test_by_hand():
    """Half as likely under the reference: k3 is 0.5 - log 0.5 - 1 = 0.1931, k1 is log 2 = 0.6931."""
    half, quarter = torch.tensor([0.5]).log(), torch.tensor([0.25]).log()
    assert k3(half, quarter).item() == pytest.approx(0.1931, abs=1e-4)
    assert k1(half, quarter).item() == pytest.approx(0.6931, abs=1e-4)


@pytest.fixture
def pair():
    """(logits, log-probabilities, those of the reference) of nine tokens."""
    generator = torch.manual_seed(0)
    logits, other = torch.randn(2, 9, generator=generator, dtype=torch.float64)
    logits.requires_grad_()
    return logits, logits.log_softmax(-1), other.log_softmax(-1)


@pytest.mark.parametrize("name", SAMPLED)
def test_the_mean_of_an_estimate_is_the_reverse_divergence(pair, name):
    _, policy, reference = pair
    mean = (policy.exp() * SAMPLED[name](policy, reference)).sum()
    assert mean.item() == pytest.approx(exact_reverse(policy, reference).item())


@pytest.mark.parametrize(
    ("name", "of"), [("k1", exact_reverse), ("k3", exact_forward), ("k3 itself", exact_reverse)]
)
def test_whose_gradient_an_estimate_has(pair, name, of):
    """Enumerated: Σ π(token) ∇ estimate(token). That of k3 is not of what k3 estimates."""
    logits, policy, reference = pair
    estimate = SAMPLED[name.split()[0]](policy, reference)
    ours = torch.autograd.grad((policy.exp().detach() * estimate).sum(), logits, retain_graph=True)
    theirs = torch.autograd.grad(of(policy, reference), logits)
    assert theirs[0].abs().max() > 0.05
    assert torch.allclose(ours[0], theirs[0], atol=1e-12) == ("itself" not in name)


@pytest.mark.parametrize("estimate", [k3, exact_reverse, exact_forward])
def test_at_the_reference_it_pulls_nowhere(estimate):
    logits = torch.tensor([-1.0, -2.0], requires_grad=True)
    logp = logits.log_softmax(-1)
    estimate(logp, logp.detach()).sum().backward()
    assert logits.grad.abs().max() < 1e-6
