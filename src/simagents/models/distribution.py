"""Distributions of a policy's next action: discrete over tokens, or continuous."""

from dataclasses import dataclass, replace
from math import e, log, pi
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Float64, Int64, Num
from torch import Tensor

from simagents.config.algorithms import Sampling
from simagents.inverse_cdf import drawn_place


@runtime_checkable
class Distribution(Protocol):
    """Over the next action of *N agents. D is empty for tokens.

    Actions are drawn from `drawn_by(sampling)`, and log-probabilities and divergences that training
    uses are of that same distribution: anything else would be off-policy. Its `support` holds the
    candidates of the draw; a later or a reference policy is compared on the same support.
    """

    draws: int
    """uniform numbers that a draw takes"""
    support: Tensor | None
    """[*N, K]: what the distribution is restricted to, by numbers of tokens or of modes; None: to nothing"""
    value: Float[Tensor, "*N"] | None
    """the value head's output, where training has attached one"""

    def rows(self, which: Int64[Tensor, "n"]) -> "Distribution":
        """The distributions of some rows, perhaps several times."""
        ...

    def drawn_by(self, sampling: Sampling, support: Tensor | None = None) -> "Distribution":
        """The distribution of actions drawn under `sampling`, on `support` or, without it, on its own."""
        ...

    def sample(self, uniform: Float64[Tensor, "*N draws"]) -> Num[Tensor, "..."]:
        """The action that these numbers in [0, 1) decide."""
        ...

    def mode(self) -> Num[Tensor, "..."]:
        """The likeliest action."""
        ...

    def log_prob(self, action: Num[Tensor, "..."]) -> Float[Tensor, "*N"]:
        """Log-probability, or log-density, of an action."""
        ...

    def entropy(self) -> Float[Tensor, "*N"]:
        """In nats; differential where actions are continuous."""
        ...

    @property
    def parameters(self) -> Float[Tensor, "*N P"]:
        """The numbers that the exact divergence needs."""
        ...

    @staticmethod
    def kl(of: Float[Tensor, "*N P"], to: Float[Tensor, "*N P"]) -> Float[Tensor, "*N"]:
        """KL(of‖to) of two distributions of this kind, by their parameters."""
        ...


@dataclass(frozen=True)
class Categorical:
    """Over V tokens; those that the agent's class does not have get a logit of -inf."""

    logits: Float[Tensor, "*N V"]
    value: Float[Tensor, "*N"] | None = None
    draws = 1
    support = None

    def rows(self, which: Int64[Tensor, "n"]) -> "Categorical":
        return Categorical(self.logits.index_select(0, which))

    def drawn_by(
        self, sampling: Sampling, support: Int64[Tensor, "*N K"] | None = None
    ) -> "TruncatedCategorical":
        """Restricted to the `top_k` likeliest tokens, likeliest first, at a temperature."""
        if support is None:
            size = self.logits.shape[-1]
            support = self.logits.topk(min(sampling.top_k or size, size), dim=-1).indices
        return TruncatedCategorical(self.logits, support, sampling.temperature, self.value)

    def sample(self, uniform: Float64[Tensor, "*N 1"]) -> Int64[Tensor, "*N"]:
        return self.drawn_by(Sampling(top_k=0, temperature=1.0)).sample(uniform)

    def mode(self) -> Int64[Tensor, "*N"]:
        return self.logits.argmax(dim=-1)

    def log_prob(self, action: Int64[Tensor, "*N"]) -> Float[Tensor, "*N"]:
        return self.parameters.gather(-1, action[..., None]).squeeze(-1)

    def entropy(self) -> Float[Tensor, "*N"]:
        return _entropy(self.parameters)

    @property
    def parameters(self) -> Float[Tensor, "*N V"]:
        """Log-probabilities."""
        return self.logits.log_softmax(dim=-1)

    @staticmethod
    def kl(of: Tensor, to: Tensor) -> Tensor:
        return _mean_log_ratio(of, to)


@dataclass(frozen=True)
class TruncatedCategorical:
    """Over the K tokens of `support` alone, likeliest first for the policy that drew."""

    logits: Float[Tensor, "*N V"]
    support: Int64[Tensor, "*N K"]
    temperature: float
    value: Float[Tensor, "*N"] | None = None
    draws = 1

    def rows(self, which: Int64[Tensor, "n"]) -> "TruncatedCategorical":
        return replace(self, logits=self.logits[which], support=self.support[which], value=None)

    def drawn_by(self, sampling: Sampling, support: Tensor | None = None) -> "TruncatedCategorical":
        return Categorical(self.logits, self.value).drawn_by(sampling, support)

    def sample(self, uniform: Float64[Tensor, "*N 1"]) -> Int64[Tensor, "*N"]:
        share = (self._kept.double() / self.temperature).softmax(dim=-1)
        place = drawn_place(share, uniform.squeeze(-1))
        return self.support.gather(-1, place[..., None]).squeeze(-1)

    def mode(self) -> Int64[Tensor, "*N"]:
        place = self._kept.argmax(dim=-1, keepdim=True)
        return self.support.gather(-1, place).squeeze(-1)

    def log_prob(self, action: Int64[Tensor, "*N"]) -> Float[Tensor, "*N"]:
        """Of a token of the support."""
        chosen = self.logits.gather(-1, action[..., None]).squeeze(-1) / self.temperature
        return chosen - (self._kept / self.temperature).logsumexp(dim=-1)

    def entropy(self) -> Float[Tensor, "*N"]:
        return _entropy(self.parameters)

    @property
    def parameters(self) -> Float[Tensor, "*N K"]:
        """Log-probabilities of the tokens of the support."""
        return (self._kept / self.temperature).log_softmax(dim=-1)

    @staticmethod
    def kl(of: Tensor, to: Tensor) -> Tensor:
        """On one and the same support."""
        return _mean_log_ratio(of, to)

    @property
    def _kept(self) -> Float[Tensor, "*N K"]:
        return self.logits.gather(-1, self.support)


@dataclass(frozen=True)
class Gaussian:
    """D independent normal controls. A temperature scales the variances; `top_k` has no meaning."""

    mean: Float[Tensor, "*N D"]
    log_deviation: Float[Tensor, "*N D"]
    value: Float[Tensor, "*N"] | None = None
    support = None

    @property
    def draws(self) -> int:
        return self.mean.shape[-1]

    def rows(self, which: Int64[Tensor, "n"]) -> "Gaussian":
        return Gaussian(self.mean[which], self.log_deviation[which])

    def drawn_by(self, sampling: Sampling, support: Tensor | None = None) -> "Gaussian":
        wider = self.log_deviation + 0.5 * log(sampling.temperature)
        return Gaussian(self.mean, wider, self.value)

    def sample(self, uniform: Float64[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        # Into the open interval: 0 and 1 would be infinitely far.
        normal = torch.special.ndtri(uniform.double() * (1 - 2.0**-53) + 2.0**-54)
        return self.mean + self.log_deviation.exp() * normal.to(self.mean.dtype)

    def mode(self) -> Float[Tensor, "*N D"]:
        return self.mean

    def log_prob(self, action: Float[Tensor, "*N D"]) -> Float[Tensor, "*N"]:
        standard = (action - self.mean) * (-self.log_deviation).exp()
        return -(0.5 * standard.square() + self.log_deviation + 0.5 * log(2 * pi)).sum(dim=-1)

    def entropy(self) -> Float[Tensor, "*N"]:
        return (self.log_deviation + 0.5 * log(2 * pi * e)).sum(dim=-1)

    @property
    def parameters(self) -> Float[Tensor, "*N P"]:
        """Means, then logarithms of deviations."""
        return torch.cat([self.mean, self.log_deviation], dim=-1)

    @staticmethod
    def kl(of: Tensor, to: Tensor) -> Tensor:
        mean, log_deviation = of.chunk(2, dim=-1)
        mean_to, log_deviation_to = to.chunk(2, dim=-1)
        variance_ratio = (2 * (log_deviation - log_deviation_to)).exp()
        distance = ((mean - mean_to) * (-log_deviation_to).exp()).square()
        return 0.5 * (variance_ratio + distance - 1 - variance_ratio.log()).sum(dim=-1)


def _entropy(log_prob: Tensor) -> Tensor:
    return -(log_prob.exp() * log_prob.masked_fill(log_prob.isinf(), 0)).sum(dim=-1)


def _mean_log_ratio(of: Tensor, to: Tensor) -> Tensor:
    """Σ p (log p - log q); tokens that their class does not have are -inf in both and add nothing."""
    exists = of.isfinite()
    of, to = torch.where(exists, of, 0.0), torch.where(exists, to, 0.0)
    return (torch.where(exists, of.exp(), 0.0) * (of - to)).sum(dim=-1)
