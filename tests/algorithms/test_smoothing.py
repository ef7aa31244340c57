"""Spatially smoothed labels by hand, and where they are plain ones."""

import pytest
import torch

from simagents.algorithms import smoothing
from simagents.algorithms.smoothing import spatial_shares
from simagents.algorithms.supervised import cross_entropy

ALL = torch.ones(3, dtype=torch.bool)


def boxes(*points):
    """Boxes that are points, so that the distance of two is that of the points."""
    return torch.tensor(points, dtype=torch.float32)[:, None].expand(-1, 4, -1)


LINE = boxes((0, 0), (1, 0), (3, 0))


def test_by_hand():
    """Tokens at 0, 1 and 3 m. From 0, 1 / d² is 1 and 1/9: shares 0.9 and 0.1. From 1, 1 and 1/4:
    0.8 and 0.2.
    """
    found = spatial_shares(LINE, ALL, as_released=False)
    assert found[0].tolist() == pytest.approx([0, 0.9, 0.1], abs=1e-3)
    assert found[1].tolist() == pytest.approx([0.8, 0, 0.2], abs=1e-3)
    assert found.sum(dim=1).tolist() == pytest.approx([1, 1, 1])


def test_the_released_code_loses_mass():
    """Divided by 1 + 1/9 twice, what is left of the mass is 0.9."""
    found = spatial_shares(LINE, ALL, as_released=True)
    assert found[0].sum().item() == pytest.approx(0.9, abs=1e-3)
    assert found[0].tolist() == pytest.approx([0, 0.81, 0.09], abs=1e-3)


def test_absent_tokens_have_no_share_and_a_lone_one_has_none_to_give():
    two = torch.tensor([True, True, False])
    found = spatial_shares(LINE, two, as_released=False)
    assert found.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    lone = torch.tensor([True, False, False])
    assert (spatial_shares(LINE, lone, as_released=False) == 0).all()


def test_equal_tokens_share_finitely():
    found = spatial_shares(boxes((0, 0), (0, 0), (9, 9)), ALL, as_released=False)
    assert found.isfinite().all()
    assert found[0, 1].item() == pytest.approx(1)


def test_it_is_computed_in_parts(monkeypatch):
    corners = torch.randn(11, 4, 2, generator=torch.manual_seed(0))
    exists = torch.arange(11) < 9
    whole = spatial_shares(corners, exists, as_released=False)
    monkeypatch.setattr(smoothing, "_ROWS", 4)
    assert torch.allclose(spatial_shares(corners, exists, as_released=False), whole)


def test_between_equal_distances_it_is_plain_smoothing():
    """Plain smoothing keeps ε / V on the target, spatial none: ε spatial is ε V / (V - 1) plain."""
    triangle = boxes((0, 0), (1, 0), (0.5, 0.75**0.5))
    shares = spatial_shares(triangle, ALL, as_released=False)
    logits = torch.randn(5, 3, generator=torch.manual_seed(0))
    target, weight = torch.tensor([0, 1, 2, 1, 0]), torch.full((5,), 0.2)
    spatial, _ = cross_entropy(logits, target, weight, label_smoothing=0.1, shares=shares[target])
    plain, _ = cross_entropy(logits, target, weight, label_smoothing=0.15)
    assert spatial.item() == pytest.approx(plain.item(), abs=1e-6)
