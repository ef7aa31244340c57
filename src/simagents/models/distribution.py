"""What a policy says about the next action, and how one is drawn from it."""

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: from the `top_k` likeliest (0: from all), at a temperature."""

    top_k: int
    temperature: float


@dataclass(frozen=True)
class TokenDistribution:
    """A categorical over V tokens; forbidden ones have a logit of -inf."""

    logits: Float[Tensor, "*N V"]
    value: Float[Tensor, "*N"] | None = None
    """what a value head, where training has attached one, expects of the future"""

    def rows(self, which: Int64[Tensor, "n"]) -> "TokenDistribution":
        """The distributions of some rows, perhaps several times."""
        return TokenDistribution(self.logits.index_select(0, which))

    def support(self, sampling: Sampling) -> Int64[Tensor, "*N K"]:
        """The tokens that `sampling` may draw, likeliest first."""
        size = self.logits.shape[-1]
        return self.logits.topk(min(sampling.top_k or size, size), dim=-1).indices

    def sample(
        self,
        uniform: Float[Tensor, "*N"],
        sampling: Sampling,
        support: Int64[Tensor, "*N K"] | None = None,
    ) -> Int64[Tensor, "*N"]:
        """The token at which the cumulated probability passes `uniform` in [0, 1).

        One number per draw, so that a counter-based generator can say which, and float64, so that
        the sum reaches 1. `support` spares the search for who has it already.
        """
        if support is None:
            support = self.support(sampling)
        weights = (self.logits.gather(-1, support).double() / sampling.temperature).softmax(dim=-1)
        passed = weights.cumsum(dim=-1) <= uniform[..., None].double()
        place = passed.sum(dim=-1, keepdim=True).clamp(max=support.shape[-1] - 1)
        return support.gather(-1, place).squeeze(-1)

    def log_prob(
        self, token: Int64[Tensor, "*N"], sampling: Sampling, support: Int64[Tensor, "*N K"]
    ) -> Float[Tensor, "*N"]:
        """Log-probability of `token` under the sampling distribution restricted to `support`.

        The gradient of a policy that is sampled from its top K is that of the truncated
        distribution; anything else would be off-policy. `support` comes from the policy that
        drew the token, also where a reference model is asked, so that ratios are finite.
        """
        kept = self.logits.gather(-1, support) / sampling.temperature
        chosen = self.logits.gather(-1, token[..., None]).squeeze(-1) / sampling.temperature
        return chosen - kept.logsumexp(dim=-1)

    def log_probs(
        self, sampling: Sampling, support: Int64[Tensor, "*N K"]
    ) -> Float[Tensor, "*N K"]:
        """Log-probabilities of all tokens of `support` under the distribution restricted to it."""
        return (self.logits.gather(-1, support) / sampling.temperature).log_softmax(dim=-1)

    def entropy(self) -> Float[Tensor, "*N"]:
        """Entropy of the whole distribution in nats."""
        log_prob = self.logits.log_softmax(dim=-1)
        return -(log_prob.exp() * log_prob.masked_fill(log_prob.isinf(), 0)).sum(dim=-1)
