"""Terms of the reconstruction, by hand; who learns from the divergence."""

from math import cos

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simagents.algorithms.reconstruction import balanced_divergence, state_errors


def errors(pose, velocity, logged_pose, logged_velocity):
    of = state_errors(*(torch.tensor([x]) for x in (pose, velocity, logged_pose, logged_velocity)))
    return {name: error.item() for name, error in of.items()}


def test_terms_by_hand():
    """3 m and 4 m away are 5 m: 4.5. Half a radian: 1 - cos 0.5. 5 m/s for 4.4 m/s: 0.6² / 2 = 0.18."""
    of = errors([3.0, 4.0, 0.5], [3.0, 4.0], [0.0, 0.0, 0.0], [4.4, 0.0])
    assert of == pytest.approx({"position": 4.5, "heading": 1 - cos(0.5), "speed": 0.18}, abs=1e-5)


def test_on_the_log_there_is_no_error_and_no_gradient():
    pose = torch.zeros(1, 3, requires_grad=True)
    of = state_errors(pose, torch.zeros(1, 2), torch.zeros(1, 3), torch.zeros(1, 2))
    total = sum(error.sum() for error in of.values())
    (gradient,) = torch.autograd.grad(total, pose)
    assert total.item() == pytest.approx(0, abs=1e-9)
    assert not gradient.any()


@given(st.floats(-3, 3), st.floats(-50, 50), st.floats(-50, 50))
def test_no_term_depends_on_how_the_scene_lies(angle, x, y):
    one = torch.tensor([[x, 2.0, 0.3]]), torch.tensor([[1.0, 4.0]])
    other = torch.tensor([[x + 1, y, -1.0]]), torch.tensor([[2.0, 0.5]])
    turn = torch.tensor(
        [[cos(angle), -torch.tensor(angle).sin()], [torch.tensor(angle).sin(), cos(angle)]]
    )

    def turned(pose, velocity):
        place = pose[:, :2] @ turn.T + torch.tensor([7.0, -3.0])
        return torch.cat([place, pose[:, 2:] + angle], dim=-1), velocity @ turn.T

    here, there = state_errors(*one, *other), state_errors(*turned(*one), *turned(*other))
    for name, error in here.items():
        assert error.item() == pytest.approx(there[name].item(), abs=1e-3)


@pytest.mark.parametrize(("kl", "value", "moved"), [(3.0, 3.0, 1.0), (0.5, 1.0, 0.0)])
def test_the_divergence_is_shared_out_and_free_below_its_nats(kl, value, moved):
    """A fifth of the gradient moves the posterior, four fifths the prior; none where KL < 1 nat."""
    posterior, prior = (torch.tensor(kl, requires_grad=True) for _ in range(2))
    loss = balanced_divergence(posterior, prior, balance=0.2, free=1.0)
    loss.backward()
    assert loss.item() == pytest.approx(value)
    assert posterior.grad.item() == pytest.approx(0.2 * moved)
    assert prior.grad.item() == pytest.approx(0.8 * moved)
