"""Mean 0 and deviation 1, in parts as for the whole."""

import pytest
import torch

from simagents.algorithms.whitening import moments, whitened


def test_whitening_in_parts_is_whitening_the_whole():
    """As micro-batches and processes do it; what weighs nothing does not count."""
    term, weight = torch.randn(2, 6, generator=torch.manual_seed(0)) * 3 + 1
    weight = weight.abs()
    weight[2], term[2] = 0, torch.nan
    whole = whitened(term, moments(weight, term))
    parts = whitened(term, moments(weight[:3], term[:3]) + moments(weight[3:], term[3:]))
    assert torch.equal(whole[weight > 0], parts[weight > 0])
    share = (weight / weight.sum())[weight > 0]
    kept = whole[weight > 0]
    assert (share * kept).sum().item() == pytest.approx(0, abs=1e-6)
    assert (share * kept.square()).sum().item() == pytest.approx(1, abs=1e-6)


def test_equal_advantages_become_zero():
    term = torch.full((4,), 0.7)
    assert whitened(term, moments(torch.full((4,), 0.25), term)).abs().max() < 1e-3
