"""A few possible futures of each agent, as a distribution of its next action."""

from dataclasses import dataclass, replace

from jaxtyping import Float, Float64, Int64
from torch import Tensor

from simagents.config.algorithms import Sampling
from simagents.models.distribution import Categorical
from simagents.models.forecasting import laplace


@dataclass(frozen=True)
class Forecast:
    """M modes, each with its next pose and how far (m) the truth may lie from that.

    A mixture of densities for learning and validation. What is drawn is one of the modes: a
    forecaster executes its forecasts as they are, without noise around them.
    """

    logits: Float[Tensor, "*N M"]
    pose: Float[Tensor, "*N M 3"]
    """as seen from the agent"""
    log_scale: Float[Tensor, "*N M"]
    value: Float[Tensor, "*N"] | None = None
    certain: bool = False
    """whether the likeliest mode is always the one that is drawn"""
    draws = 1
    support = None

    def rows(self, which: Int64[Tensor, "n"]) -> "Forecast":
        return replace(
            self, logits=self.logits[which], pose=self.pose[which],
            log_scale=self.log_scale[which], value=None,
        )  # fmt: skip

    def drawn_by(self, sampling: Sampling, support: Tensor | None = None) -> "DrawnMode":
        """One of the `top_k` likeliest modes, all for 0, at a temperature; or one of those in `support`."""
        top_k = 1 if self.certain else sampling.top_k
        modes = Categorical(self.logits).drawn_by(
            Sampling(top_k=top_k, temperature=sampling.temperature), support
        )
        which = modes.support[..., None].expand(*modes.support.shape, 3)
        return DrawnMode(modes.parameters, self.pose.gather(-2, which), modes.support, self.value)

    def sample(self, uniform: Float64[Tensor, "*N 1"]) -> Float[Tensor, "*N 3"]:
        return self.drawn_by(Sampling(top_k=0, temperature=1.0)).sample(uniform)

    def mode(self) -> Float[Tensor, "*N 3"]:
        return _at(self.pose, self.logits.argmax(dim=-1))

    def log_prob(self, action: Float[Tensor, "*N 3"]) -> Float[Tensor, "*N"]:
        """Log-density of the place: Laplacian along both axes of the agent. The heading has no part in it."""
        away = (action[..., None, :2] - self.pose[..., :2]).abs().sum(dim=-1)
        return (self.logits.log_softmax(dim=-1) + laplace(away, self.log_scale)).logsumexp(dim=-1)

    def entropy(self) -> Float[Tensor, "*N"]:
        """Of the choice of a mode, nats."""
        return Categorical(self.logits).entropy()

    @property
    def parameters(self) -> Float[Tensor, "*N M"]:
        """Log-probabilities of the modes."""
        return self.logits.log_softmax(dim=-1)

    @staticmethod
    def kl(of: Tensor, to: Tensor) -> Tensor:
        """Of the choices between the same modes."""
        return Categorical.kl(of, to)


@dataclass(frozen=True)
class DrawnMode:
    """A choice between the K modes of `support`, likeliest first for the policy that drew. An action that is none
    of them counts as the nearest one."""

    parameters: Float[Tensor, "*N K"]
    """log-probabilities"""
    pose: Float[Tensor, "*N K 3"]
    support: Int64[Tensor, "*N K"]
    """numbers of the modes, so that policies are compared mode by mode"""
    value: Float[Tensor, "*N"] | None = None
    draws = 1

    def rows(self, which: Int64[Tensor, "n"]) -> "DrawnMode":
        return replace(
            self, parameters=self.parameters[which], pose=self.pose[which],
            support=self.support[which], value=None,
        )  # fmt: skip

    def drawn_by(self, sampling: Sampling, support: Tensor | None = None) -> "DrawnMode":
        return self

    def sample(self, uniform: Float64[Tensor, "*N 1"]) -> Float[Tensor, "*N 3"]:
        return _at(self.pose, Categorical(self.parameters).sample(uniform))

    def mode(self) -> Float[Tensor, "*N 3"]:
        return _at(self.pose, self.parameters.argmax(dim=-1))

    def log_prob(self, action: Float[Tensor, "*N 3"]) -> Float[Tensor, "*N"]:
        away = (action[..., None, :2] - self.pose[..., :2]).norm(dim=-1)
        return self.parameters.gather(-1, away.argmin(dim=-1, keepdim=True)).squeeze(-1)

    def entropy(self) -> Float[Tensor, "*N"]:
        return Categorical(self.parameters).entropy()

    @staticmethod
    def kl(of: Tensor, to: Tensor) -> Tensor:
        """On one and the same support."""
        return Categorical.kl(of, to)


def _at(pose: Float[Tensor, "*N K 3"], place: Int64[Tensor, "*N"]) -> Float[Tensor, "*N 3"]:
    return pose.gather(-2, place[..., None, None].expand(*place.shape, 1, 3)).squeeze(-2)
