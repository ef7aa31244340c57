"""Drawing tokens, and how likely what was drawn is."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from simagents.counter import uniform
from simagents.models.distribution import Sampling, TokenDistribution

LOGITS = torch.tensor([[0.3, -torch.inf, 2.0, 1.1, -0.5, 1.6]])
ALL = Sampling(0, 1.0)
samplings = st.builds(Sampling, st.integers(0, 8), st.floats(0.2, 5.0))


def test_support_is_the_likeliest_first():
    assert TokenDistribution(LOGITS).support(Sampling(3, 1.0)).tolist() == [[2, 5, 3]]
    assert len(TokenDistribution(LOGITS).support(ALL)[0]) == 6


def test_draws_by_hand():
    """Probabilities 0.6, 0.3 and 0.1 of tokens 1, 2 and 0: cumulated 0.6, 0.9, 1."""
    distribution = TokenDistribution(torch.tensor([0.1, 0.6, 0.3]).log().expand(6, -1))
    draws = torch.tensor([0.0, 0.59, 0.61, 0.89, 0.91, 1 - 2**-53], dtype=torch.float64)
    assert distribution.sample(draws, ALL).tolist() == [1, 1, 2, 2, 0, 0]
    assert distribution.sample(draws, Sampling(1, 1.0)).tolist() == [1] * 6


@pytest.mark.parametrize(
    "sampling", [ALL, Sampling(3, 1.0), Sampling(4, 2.0), Sampling(0, 0.5)], ids=str
)
def test_frequencies_follow_the_distribution(sampling):
    """20,000 counter-based draws against exp(log_prob), chi-square at a fixed seed."""
    count = 20_000
    distribution = TokenDistribution(LOGITS.expand(count, -1))
    drawn = distribution.sample(torch.from_numpy(uniform(1, np.arange(count))), sampling)
    support = distribution.support(sampling)[:1]
    one = TokenDistribution(LOGITS)
    found = torch.bincount(drawn, minlength=6)
    expected = torch.zeros(6, dtype=torch.float64)
    for token in support[0].tolist():
        expected[token] = one.log_prob(torch.tensor([token]), sampling, support).exp().item()
    assert not found[expected == 0].any()
    kept = expected > 0
    assert chisquare(found[kept], expected[kept] / expected.sum() * count).pvalue > 1e-3


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=10), samplings)
def test_probabilities_sum_to_one_over_the_support(logits, sampling):
    distribution = TokenDistribution(torch.tensor([logits], dtype=torch.float64))
    support = distribution.support(sampling)
    total = sum(
        distribution.log_prob(token[None], sampling, support).exp().item() for token in support[0]
    )
    assert total == pytest.approx(1.0, abs=1e-9)


@given(
    st.lists(st.floats(-20, 20), min_size=2, max_size=10),
    samplings,
    st.floats(0, 1, exclude_max=True),
)
def test_what_is_drawn_was_in_the_support(logits, sampling, draw):
    distribution = TokenDistribution(torch.tensor([logits]))
    token = distribution.sample(torch.tensor([draw], dtype=torch.float64), sampling)
    assert token in distribution.support(sampling)
    support = distribution.support(sampling)
    assert distribution.log_prob(token, sampling, support).item() <= 1e-5


def test_the_gradient_is_that_of_the_truncated_distribution():
    """Logits outside of the support get none; inside, d log p_i / d z_j = (1[i = j] - p_j) / T."""
    logits = LOGITS.clone().requires_grad_()
    distribution, sampling = TokenDistribution(logits), Sampling(3, 2.0)
    support = distribution.support(sampling)
    distribution.log_prob(torch.tensor([5]), sampling, support).sum().backward()
    share = (LOGITS[0, [2, 5, 3]] / 2).softmax(0)
    expected = torch.zeros(6)
    expected[[2, 5, 3]] = (torch.tensor([0.0, 1.0, 0.0]) - share) / 2
    assert torch.allclose(logits.grad[0], expected, atol=1e-6)


def test_entropy_of_equal_chances():
    logits = torch.tensor([[0.0, 0.0, 0.0, -torch.inf], [0.0, -torch.inf, -torch.inf, -torch.inf]])
    assert TokenDistribution(logits).entropy().tolist() == pytest.approx([np.log(3), 0])
