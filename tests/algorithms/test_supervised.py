"""Cross-entropy by hand, and what must not reach it."""

from math import log

import pytest
import torch

from simagents.algorithms.supervised import cross_entropy, likelihood_loss

INF = torch.inf


def loss_of(logits, target, weight=1.0, smoothing=0.0):
    logits = torch.tensor([logits], requires_grad=True)
    loss, stats = cross_entropy(
        logits, torch.tensor([target]), torch.tensor([weight]), label_smoothing=smoothing
    )
    return loss, stats, logits


def test_by_hand():
    """Chances 0.2, 0.3, 0.5; the target has 0.3: loss and logged cross-entropy are -log 0.3."""
    loss, stats, _ = loss_of([log(0.2), log(0.3), log(0.5)], 1)
    assert loss.item() == pytest.approx(-log(0.3))
    assert stats["cross_entropy"].item() == pytest.approx(-log(0.3))
    assert stats["accuracy"].item() == 0


def test_smoothing_by_hand():
    """Nine tenths of -log 0.3, and a tenth of the mean of -log 0.2, -log 0.3, -log 0.5. What is
    logged stays the plain cross-entropy.
    """
    loss, stats, _ = loss_of([log(0.2), log(0.3), log(0.5)], 1, smoothing=0.1)
    spread = -(log(0.2) + log(0.3) + log(0.5)) / 3
    assert loss.item() == pytest.approx(0.9 * -log(0.3) + 0.1 * spread)
    assert stats["cross_entropy"].item() == pytest.approx(-log(0.3))


def test_it_is_torchs_where_all_tokens_exist():
    logits = torch.randn(6, 9, generator=torch.manual_seed(0))
    target = torch.arange(6)
    ours, _ = cross_entropy(logits, target, torch.full((6,), 1 / 6), label_smoothing=0.1)
    theirs = torch.nn.functional.cross_entropy(logits, target, label_smoothing=0.1)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_absent_tokens_get_no_share_and_no_gradient():
    """Two more tokens of logit -inf change neither the loss nor the gradient of the others."""
    plain, _, short = loss_of([0.2, 1.0, -0.4], 2, smoothing=0.1)
    padded, _, long = loss_of([0.2, 1.0, -0.4, -INF, -INF], 2, smoothing=0.1)
    plain.backward()
    padded.backward()
    assert padded.item() == pytest.approx(plain.item())
    assert torch.allclose(long.grad[0, :3], short.grad[0])
    assert (long.grad[0, 3:] == 0).all()


def test_weight_zero_silences_even_the_infinite():
    """A target that its class does not have, and rows that mean nothing."""
    logits = torch.tensor([[0.0, 1.0], [0.0, -INF], [0.0, 0.0]], requires_grad=True)
    weight = torch.tensor([1.0, 0.0, 0.0])
    loss, _ = cross_entropy(logits, torch.tensor([1, 1, 0]), weight, label_smoothing=0.1)
    loss.backward()
    assert loss.isfinite()
    assert (logits.grad[1:] == 0).all()
    assert logits.grad.isfinite().all()


def test_the_gradient_is_chances_minus_target():
    loss, _, logits = loss_of([0.2, 1.0, -0.4], 2)
    loss.backward()
    expected = logits.detach().softmax(-1) - torch.tensor([0.0, 0.0, 1.0])
    assert torch.allclose(logits.grad, expected, atol=1e-6)


def test_continuous_targets_by_hand():
    """Densities e^-1 and e^-3, weights 1/4 and 3/4; a target of weight zero may be impossible."""
    loss, stats = likelihood_loss(torch.tensor([-1.0, -3.0, -INF]), torch.tensor([0.25, 0.75, 0.0]))
    assert loss.item() == stats["negative_log_likelihood"].item() == pytest.approx(2.5)
