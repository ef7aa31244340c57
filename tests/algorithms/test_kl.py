"""The k3 estimator: never negative, zero on the spot, right on average."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.algorithms.kl import k3

logps = st.floats(-15, 0)


@given(logps, logps)
def test_never_negative(logp, logp_ref):
    """The printed variant with the logarithm inverted is, wherever the reference is less likely."""
    one, other = (torch.tensor([x], dtype=torch.float64) for x in (logp, logp_ref))
    assert k3(one, other).item() >= 0
    assert (k3(one, other).item() < 1e-12) == (abs(logp - logp_ref) < 1e-6)


def test_by_hand():
    """Half as likely under the reference: 0.5 - log 0.5 - 1 = 0.1931."""
    assert k3(torch.tensor([0.5]).log(), torch.tensor([0.25]).log()).item() == pytest.approx(
        0.1931, abs=1e-4
    )


def test_its_mean_under_the_policy_is_the_divergence():
    generator = torch.manual_seed(0)
    policy, reference = torch.randn(2, 9, generator=generator, dtype=torch.float64).log_softmax(-1)
    mean = (policy.exp() * k3(policy, reference)).sum()
    divergence = (policy.exp() * (policy - reference)).sum()
    assert mean.item() == pytest.approx(divergence.item())


def test_at_the_reference_it_pulls_nowhere():
    logp = torch.tensor([-1.0, -2.0], requires_grad=True)
    k3(logp, logp.detach()).sum().backward()
    assert (logp.grad == 0).all()
