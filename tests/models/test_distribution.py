"""Drawing actions, and how likely what was drawn is."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest, norm

from simagents.config.algorithms import Sampling
from simagents.counter import uniform
from simagents.models.distribution import Categorical, Distribution, Gaussian

LOGITS = torch.tensor([[0.3, -torch.inf, 2.0, 1.1, -0.5, 1.6]])


def sampling(top_k=0, temperature=1.0):
    return Sampling(top_k=top_k, temperature=temperature)


samplings = st.builds(sampling, st.integers(0, 8), st.floats(0.2, 5.0))


def test_all_kinds_keep_the_contract():
    categorical = Categorical(LOGITS)
    gaussian = Gaussian(torch.zeros(1, 2), torch.zeros(1, 2))
    for distribution in (categorical, categorical.drawn_by(sampling(3)), gaussian):
        assert isinstance(distribution, Distribution)


def test_support_is_the_likeliest_first():
    assert Categorical(LOGITS).drawn_by(sampling(3)).support.tolist() == [[2, 5, 3]]
    assert len(Categorical(LOGITS).drawn_by(sampling()).support[0]) == 6


def test_draws_by_hand():
    """Probabilities 0.6, 0.3 and 0.1 of tokens 1, 2 and 0: cumulated 0.6, 0.9, 1."""
    distribution = Categorical(torch.tensor([0.1, 0.6, 0.3]).log().expand(6, -1))
    draws = torch.tensor([0.0, 0.59, 0.61, 0.89, 0.91, 1 - 2**-53], dtype=torch.float64)[:, None]
    assert distribution.sample(draws).tolist() == [1, 1, 2, 2, 0, 0]
    assert distribution.drawn_by(sampling(1)).sample(draws).tolist() == [1] * 6


@pytest.mark.parametrize(
    "rule", [sampling(), sampling(3), sampling(4, 2.0), sampling(0, 0.5)], ids=str
)
def test_frequencies_follow_the_distribution(rule):
    """20,000 counter-based draws against exp(log_prob), chi-square at a fixed seed."""
    count = 20_000
    many = Categorical(LOGITS.expand(count, -1)).drawn_by(rule)
    drawn = many.sample(torch.from_numpy(uniform(1, np.arange(count)))[:, None])
    one = Categorical(LOGITS).drawn_by(rule)
    frequency = torch.bincount(drawn, minlength=6)
    expected = torch.zeros(6, dtype=torch.float64)
    for token in one.support[0].tolist():
        expected[token] = one.log_prob(torch.tensor([token])).exp().item()
    assert not frequency[expected == 0].any()
    kept = expected > 0
    assert chisquare(frequency[kept], expected[kept] / expected.sum() * count).pvalue > 1e-3


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=10), samplings)
def test_probabilities_sum_to_one_over_the_support(logits, rule):
    drawn_from = Categorical(torch.tensor([logits], dtype=torch.float64)).drawn_by(rule)
    total = sum(drawn_from.log_prob(token[None]).exp().item() for token in drawn_from.support[0])
    assert total == pytest.approx(1.0, abs=1e-9)


@given(
    st.lists(st.floats(-20, 20), min_size=2, max_size=10),
    samplings,
    st.floats(0, 1, exclude_max=True),
)
def test_what_is_drawn_was_in_the_support(logits, rule, draw):
    drawn_from = Categorical(torch.tensor([logits])).drawn_by(rule)
    token = drawn_from.sample(torch.tensor([[draw]], dtype=torch.float64))
    assert token in drawn_from.support
    assert drawn_from.log_prob(token).item() <= 1e-5


def test_another_policy_is_compared_on_the_support_of_the_one_that_drew():
    """Its own likeliest are other tokens; on the given support its probabilities sum to one."""
    acting = Categorical(LOGITS).drawn_by(sampling(2))
    other = Categorical(-LOGITS.nan_to_num(neginf=0.0))
    assert other.drawn_by(sampling(2)).support.tolist() != acting.support.tolist()
    on_same = other.drawn_by(sampling(2), acting.support)
    assert on_same.parameters.exp().sum().item() == pytest.approx(1.0)
    assert on_same.log_prob(acting.support[:, 0]).isfinite().all()


def test_the_gradient_is_that_of_the_truncated_distribution():
    """Logits outside of the support get none; inside, d log p_i / d z_j = (1[i = j] - p_j) / T."""
    logits = LOGITS.clone().requires_grad_()
    Categorical(logits).drawn_by(sampling(3, 2.0)).log_prob(torch.tensor([5])).sum().backward()
    share = (LOGITS[0, [2, 5, 3]] / 2).softmax(0)
    expected = torch.zeros(6)
    expected[[2, 5, 3]] = (torch.tensor([0.0, 1.0, 0.0]) - share) / 2
    assert torch.allclose(logits.grad[0], expected, atol=1e-6)


def test_entropy_of_equal_chances():
    logits = torch.tensor([[0.0, 0.0, 0.0, -torch.inf], [0.0, -torch.inf, -torch.inf, -torch.inf]])
    assert Categorical(logits).entropy().tolist() == pytest.approx([np.log(3), 0])


def test_the_mode_is_the_likeliest():
    assert Categorical(LOGITS).mode().tolist() == [2]
    assert Categorical(LOGITS).drawn_by(sampling(), torch.tensor([[0, 3, 4]])).mode().tolist() == [
        3
    ]


# ---- exact divergences -----------------------------------------------------------------------------


def test_divergence_of_tokens_by_hand():
    """Of (1/2, 1/2) from (1/4, 3/4): (log 2 + log 2/3) / 2 = 0.1438, and back 0.1308."""
    even, other = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.25, 0.75]).log()
    assert Categorical.kl(even, other).item() == pytest.approx(0.1438, abs=1e-4)
    assert Categorical.kl(other, even).item() == pytest.approx(0.1308, abs=1e-4)


def test_divergences_are_never_negative_and_skip_missing_tokens():
    logits, other = torch.randn(2, 50, 6, generator=torch.manual_seed(0))
    logits[:, 4:] = other[:, 4:] = -torch.inf
    logits.requires_grad_()
    whole = Categorical.kl(Categorical(logits).parameters, Categorical(other).parameters)
    short = Categorical.kl(
        Categorical(logits[:, :4]).parameters, Categorical(other[:, :4]).parameters
    )
    assert (whole > 0).all()
    assert torch.allclose(whole, short)
    whole.sum().backward()
    assert logits.grad.isfinite().all()


# ---- continuous actions ----------------------------------------------------------------------------


def test_log_density_and_entropy_are_those_of_scipy():
    mean, deviation = torch.tensor([[0.3, -1.0]]), torch.tensor([[0.5, 2.0]])
    gaussian = Gaussian(mean, deviation.log())
    expected = norm.logpdf([0.1, 1.0], mean[0], deviation[0]).sum()
    assert gaussian.log_prob(torch.tensor([[0.1, 1.0]])).item() == pytest.approx(expected, abs=1e-5)
    entropy = norm.entropy(mean[0], deviation[0]).sum()
    assert gaussian.entropy().item() == pytest.approx(entropy, abs=1e-5)


def test_draws_are_normal_and_a_temperature_scales_the_variance():
    count = 20_000
    numbers = uniform(1, np.arange(count)[:, None], np.arange(2))
    gaussian = Gaussian(torch.full((count, 2), 1.0), torch.full((count, 2), log(0.5)))
    drawn = gaussian.drawn_by(sampling(5, 4.0)).sample(torch.from_numpy(numbers))
    assert kstest(drawn[:, 0], norm(1.0, 1.0).cdf).pvalue > 1e-3
    assert kstest(drawn[:, 1], norm(1.0, 1.0).cdf).pvalue > 1e-3
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0, abs=0.03)


def test_extreme_numbers_give_finite_draws():
    gaussian = Gaussian(torch.zeros(1, 2), torch.zeros(1, 2))
    extreme = torch.tensor([[0.0, 1 - 2**-53]], dtype=torch.float64)
    assert gaussian.sample(extreme).isfinite().all()


def test_divergence_of_gaussians_is_that_of_torch():
    generator = torch.manual_seed(0)
    one, other = (
        Gaussian(*torch.randn(2, 7, 3, generator=generator).double().unbind(0)) for _ in range(2)
    )
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(one.mean, one.log_deviation.exp()), normal(other.mean, other.log_deviation.exp())
    ).sum(-1)
    assert torch.allclose(Gaussian.kl(one.parameters, other.parameters), expected)
