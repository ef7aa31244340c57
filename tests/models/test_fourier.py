"""Embeddings of real numbers: the batched form, the pieces and the tables are one function."""

from math import pi

import pytest
import torch
from torch import nn

from simagents.errors import InputError
from simagents.models.smart.fourier import FourierEmbedding

BOUNDS = ([0.0, -pi, -pi], [60.0, pi, pi])
ROWS = 4096


@pytest.fixture
def embedding():
    """As wide as the published model's; all weights away from where they start."""
    torch.manual_seed(0)
    embedding = FourierEmbedding(3, 128, 64, 0.02)
    with torch.no_grad():
        for parameter in embedding.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return embedding


@pytest.fixture
def relations():
    low, high = map(torch.tensor, BOUNDS)
    return low + torch.rand(500, 3, generator=torch.manual_seed(1)) * (high - low)


def plain(e, x):
    """QCNet's text, branch by branch, with the layers of torch."""
    total = 0
    for i in range(x.shape[1]):
        phase = 2 * pi * x[:, i : i + 1] * e.frequency[i]
        hidden = torch.cat([phase.cos(), phase.sin(), x[:, i : i + 1]], dim=-1)
        hidden = hidden @ e.first_weight[i] + e.first_bias[i]
        norm = nn.functional.layer_norm(hidden, (128,), e.norm_weight[i, 0], e.norm_bias[i, 0])
        total = total + norm.relu() @ e.second_weight[i] + e.second_bias[i]
    return e.out(total)


def test_the_batched_form_is_the_plain_one(embedding, relations):
    embedding, relations = embedding.double(), relations.double()
    assert torch.allclose(embedding(relations), plain(embedding, relations), rtol=0, atol=1e-12)


def test_a_categorical_embedding_joins_before_the_last_layer(embedding, relations):
    extra = torch.randn(len(relations), 128, generator=torch.manual_seed(2))
    assert torch.allclose(embedding(relations, torch.zeros_like(extra)), embedding(relations))
    assert not torch.allclose(embedding(relations, extra), embedding(relations), atol=0.1)


@torch.no_grad()
def test_tables_are_accurate_to_a_ten_thousandth(embedding, relations):
    """Outputs are of the order of 1."""
    exact = embedding(relations)
    found = embedding.tabulated(*BOUNDS, ROWS)(relations)
    assert 0.1 < exact.abs().mean() < 10
    assert (found - exact).abs().max() < 1e-4


def test_one_row_is_no_table(embedding):
    with pytest.raises(InputError, match="tables of 1 row"):
        embedding.tabulated(*BOUNDS, 1)


@torch.no_grad()
def test_tables_hold_at_the_ends_of_their_range(embedding):
    ends = torch.tensor(BOUNDS)
    assert (embedding.tabulated(*BOUNDS, ROWS)(ends) - embedding(ends)).abs().max() < 1e-4


def test_gradients_through_tables_are_those_of_the_branches(embedding, relations):
    """To one per cent in norm, most of it where a ReLU bends between two rows."""
    weight = torch.randn(len(relations), 128, generator=torch.manual_seed(3))

    def gradients(function):
        embedding.zero_grad()
        (function(relations) * weight).sum().backward()
        return [parameter.grad.clone() for parameter in embedding.parameters()]

    exact = gradients(embedding)
    for found, right in zip(gradients(embedding.tabulated(*BOUNDS, ROWS)), exact, strict=True):
        assert (found - right).norm() < 0.01 * right.norm()
