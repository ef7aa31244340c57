"""Heads of their own for the classes."""

import pytest
import torch

from simagents.config.models import Smart as SmartSettings
from simagents.models.smart.head import ClassHeads
from simagents.models.smart.network import Smart
from simagents.models.smart.token_policy import logged_paths


@pytest.fixture
def heads(vocabulary):
    return ClassHeads(8, vocabulary)


def test_every_class_is_answered_by_its_own_head(heads, vocabulary):
    x, kind = torch.randn(7, 8), torch.tensor([0, 2, 1, 0, 2, 2, 1])
    logits = heads(x, kind)
    assert logits.shape == (7, vocabulary.size)
    for row in range(7):
        own = heads.of_class[kind[row]](x[row])
        assert len(own) == vocabulary.count[kind[row]]
        assert torch.allclose(logits[row, : len(own)], own, atol=1e-6)


def test_a_class_that_is_not_there_changes_nothing_and_still_has_gradients(heads):
    logits = heads(torch.randn(3, 8), torch.zeros(3, dtype=torch.int64))
    logits.sum().backward()
    gradients = [p.grad for head in heads.of_class for p in head.parameters()]
    assert all(g is not None for g in gradients)
    assert (heads.of_class[1][-1].weight.grad == 0).all()


def test_padding_stays_forbidden(tiny, vocabulary, batch):
    policy = Smart(SmartSettings(**{**tiny, "head": "per_class"}), vocabulary).eval()
    paths = logged_paths(batch)
    logits = policy(batch, paths).logits[paths.valid[:, 1:-1]]
    agents = batch.agent_class[:, None].expand(-1, paths.valid.shape[1] - 2)
    absent = vocabulary.absent[agents[paths.valid[:, 1:-1]]]
    assert logits[absent].isinf().all()
    assert logits[~absent].isfinite().all()
