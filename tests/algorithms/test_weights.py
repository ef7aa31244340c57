"""What means are taken over; parts of a batch add up to the whole."""

import pytest
import torch

from simagents.algorithms.weights import rollout_mean, token_mean, weighted

VALID = torch.tensor([[[True, True], [True, False]], [[True, False], [False, False]]])
"""Two rollouts with 3 tokens and 1."""


def test_a_mean_over_tokens_counts_each_alike():
    assert token_mean(VALID, 4.0)[VALID].tolist() == [0.25] * 4


def test_a_mean_over_rollouts_counts_each_rollout_alike():
    """3 tokens share a half, the other rollout's only token has the other half."""
    weight = rollout_mean(VALID, 2.0)
    assert weight[VALID].tolist() == pytest.approx([1 / 6] * 3 + [1 / 2])
    assert weight.sum().item() == pytest.approx(1)


def test_parts_add_up_to_the_whole():
    valid = torch.rand(6, 4, 5, generator=torch.manual_seed(0)) < 0.5
    for mean, total in ((token_mean, valid.sum().item()), (rollout_mean, 6)):
        whole = mean(valid, float(total))
        parts = torch.cat([mean(part, float(total)) for part in valid.split(2)])
        assert torch.equal(whole, parts)
        assert whole.sum().item() == pytest.approx(1, abs=1e-6)


def test_nothing_valid_weighs_nothing():
    nothing = torch.zeros(2, 3, 4, dtype=torch.bool)
    assert token_mean(nothing, 0.0).sum() == 0
    assert rollout_mean(nothing, 0.0).sum() == 0


def test_terms_of_weight_zero_may_be_anything():
    term = torch.tensor([1.0, torch.inf, torch.nan], requires_grad=True)
    total = weighted(torch.tensor([2.0, 0.0, 0.0]), term)
    total.backward()
    assert total.item() == 2
    assert term.grad.tolist() == [2, 0, 0]
