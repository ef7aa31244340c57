"""Algorithms: how a stage learns, each with all of its coefficients."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simagents.config.credit import Credit, Value
from simagents.config.goals import GivenGoals, GoalKind, Goals
from simagents.config.keys import Settings, Tagged
from simagents.config.rewards import Reward

Smoothing = Annotated[float, Field(ge=0, lt=1)]
TopK = Annotated[int, Field(ge=1)]
Temperature = Annotated[float, Field(gt=0)]


class Sampling(Settings):
    """How actions are drawn from a policy."""

    top_k: Annotated[int, Field(ge=0)]
    """number of likeliest tokens from which actions are drawn; 0 for all. Continuous actions ignore it"""
    temperature: Temperature
    """divides logits; multiplies variances of continuous actions"""


class AlgorithmSettings(Settings):
    """Of any algorithm."""

    @property
    def passes(self) -> int:
        """Updates from the same rollouts."""
        return 1

    @property
    def value(self) -> Value | None:
        """Of the value head, for algorithms that learn one."""
        return None

    @property
    def needs_reference(self) -> bool:
        """Whether a frozen copy of the parent is kept."""
        return False

    @property
    def given_goals(self) -> GoalKind | None:
        """Goals that training scenes come with."""
        goals = getattr(self, "goals", None)
        return goals.of if goals else None

    @property
    def learning_rate_of_added(self) -> float | None:
        """Peak learning rate of weights that a policy adds to its parent's; None: that of the budget."""
        goals = getattr(self, "goals", None)
        return goals.learning_rate if goals else None


class BehaviourCloning(AlgorithmSettings):
    """The log's actions as targets."""

    name: Literal["bc"]
    """behaviour cloning of the log"""
    label_smoothing: Smoothing
    """share of the target's probability that is spread over the tokens of the class; 0 for continuous actions"""
    smoothing: Literal["uniform", "spatial", "spatial_as_released"]
    """how this share is spread: evenly; mostly over near tokens; as in TrajTok's released code"""
    goals: Annotated[GivenGoals | None, Field(exclude_if=lambda goals: goals is None)] = None
    """goals of which the agents' actions are learned; without the key none are given"""


class NoisyCloning(AlgorithmSettings):
    """Behaviour cloning of logs that are tokenised with noise."""

    name: Literal["noisy_bc"]
    """behaviour cloning of noisy paths"""
    label_smoothing: Smoothing
    """share of the target's probability that is spread evenly over the tokens of the class"""
    noise: Literal["nearest_k", "perturbed"]
    """targets: tokens that lead back to the log, or the next tokens of the noisy path"""
    top_k: TopK
    """number of tokens nearest to the log from which paths are drawn"""
    temperature: Temperature
    """divides the distances (m)"""


class Closest(Settings):
    """CAT-K's rollout."""

    choice: Literal["closest"]
    """the token nearest to the log among the `top_k` likeliest"""
    top_k: TopK
    """K"""


class TopKRollout(Settings):
    """Free draws among the likeliest."""

    choice: Literal["top_k"]
    """a draw among the `top_k` likeliest tokens"""
    top_k: TopK
    """K"""
    temperature: Temperature
    """divides the logits"""
    filter_lengths: Annotated[float, Field(gt=0)] | None = None
    """training uses only steps that end within this many lengths of the class's box from the log"""


class Likeliest(Settings):
    """No draws."""

    choice: Literal["likeliest"]
    """the likeliest token"""


ROLLOUTS = Tagged("choice", "simagents.training.learners", Closest, TopKRollout, Likeliest)


class ClosedLoopCloning(AlgorithmSettings):
    """CAT-K and the rollouts that it is compared with."""

    name: Literal["catk"]
    """closed-loop supervised fine-tuning"""
    label_smoothing: Smoothing
    """share of the target's probability that is spread evenly over the tokens of the class"""
    rollout: Annotated[Settings, ROLLOUTS]
    """how the rollout chooses its actions"""


class TeacherForcing(Settings):
    """How often agents are put back on the log while they drive through it."""

    start: Annotated[float, Field(ge=0, le=1)]
    """probability before each step, at the beginning of the training; it falls linearly"""
    until: Annotated[float, Field(gt=0, le=1)]
    """share of the training's steps at which it reaches 0"""


Weight = Annotated[float, Field(ge=0)]


class ClosedLoopRegression(AlgorithmSettings):
    """The training of TrafficBots: agents drive through the log again under latents that know it."""

    name: Literal["closed_loop_regression"]
    """regression along rollouts with gradients, for families with latents"""
    position: Weight
    """weight of the smooth L1 distance from the log (m)"""
    heading: Weight
    """weight of 1 - cos of the difference in heading"""
    speed: Weight
    """weight of the smooth L1 difference in speed (m/s)"""
    likelihood: Weight
    """weight of minus the log-density of the log's own controls, each after the log's past; the only term that
    learns how much controls vary"""
    divergence: Weight
    """weight of the divergence of the personality's posterior from its prior"""
    balance: Annotated[float, Field(ge=0, le=1)]
    """share of the divergence's gradient that moves the posterior; the rest moves the prior"""
    free_nats: Annotated[float, Field(ge=0)]
    """divergence of an agent's personality (nats) below which it costs nothing more"""
    destination: Weight
    """weight of the cross-entropy of the destination"""
    teacher_forcing: TeacherForcing
    """how often agents are put back on the log"""


class Forecasting(AlgorithmSettings):
    """The training of one-shot forecasts: of several possible futures, the one nearest to the log's is learned."""

    name: Literal["forecasting"]
    """hard assignment, for families that forecast"""
    likelihood: Weight
    """weight of minus the log-density of the log's places under the nearest mode"""
    heading: Weight
    """weight of 1 - cos of its difference in heading"""
    choice: Weight
    """weight of the cross-entropy of the nearest mode"""


class OnPolicy(Settings):
    """REINFORCE."""

    kind: Literal["on_policy"]
    """ratio π / sg(π); one update for each batch of rollouts"""


class Clipped(Settings):
    """The clipped surrogate of PPO and GRPO."""

    kind: Literal["clipped"]
    """min(u A, clip(u, 1 - ε, 1 + ε) A) with u = π / π_old"""
    range: Annotated[float, Field(gt=0)]
    """clipping range ε; outside [1 - ε, 1 + ε] the gradient is zero"""
    passes: Annotated[int, Field(ge=1)]
    """updates from the same rollouts"""


SURROGATES = Tagged("kind", "simagents.algorithms", OnPolicy, Clipped)


class DivergenceTarget(Settings):
    """A weight that follows the divergence."""

    start: Annotated[float, Field(gt=0)]
    """the weight at the first step"""
    target: Annotated[float, Field(gt=0)]
    """divergence for each action (nats) at which the weight stays as it is"""
    patience: Annotated[float, Field(gt=0)]
    """after every step the weight is multiplied by exp((divergence / target - 1) / patience)"""
    least: Annotated[float, Field(ge=0)]
    """lower limit of the weight"""
    most: Annotated[float, Field(gt=0)]
    """upper limit of the weight"""


class Divergence(Settings):
    """What keeps a policy near the one that it started from."""

    estimator: Literal["k1", "k3", "exact_reverse", "exact_forward"]
    """k1 and k3 use the drawn action; k1 has the gradient of the reverse divergence, k3 that of the
    forward one. The exact ones use the whole distribution"""
    beta: Annotated[float, Field(ge=0)] | DivergenceTarget
    """weight in the loss: a number, or one that keeps the divergence near a target"""


class PolicyGradient(AlgorithmSettings):
    """Learning from rollouts of one's own: MPO, PPO, GRPO, RLOO, MLOO and REINFORCE are choices of
    reward, credit, surrogate and divergence."""

    name: Literal["policy_gradient"]
    """policy gradient on rollouts of the current policy"""
    reward: Reward
    """how rollouts are scored"""
    credit: Credit
    """how rewards become advantages"""
    whiten: bool
    """whether advantages get mean 0 and deviation 1 over the global batch"""
    surrogate: Annotated[Settings, SURROGATES]
    """the function of the probability ratio that is maximised with the advantages"""
    log_prob: Literal["mean", "sum"]
    """reduction over the actions of a rollout"""
    divergence: Divergence | None
    """divergence from the frozen parent; null for none, which needs no reference model"""
    sampling: Sampling
    """how the actions of training rollouts are drawn"""
    goals: Annotated[Goals | None, Field(exclude_if=lambda goals: goals is None)] = None
    """goals that agents learn to reach; without the key none are given"""

    @model_validator(mode="after")
    def _credit_by_rollout(self) -> "PolicyGradient":
        if self.goals and not self.credit.compares_rollouts:
            raise ValueError(
                f"`goals` needs a credit rule that compares the rollouts of a scene, and not"
                f" `{getattr(self.credit, 'rule', 'this one')}`"
            )
        return self

    @property
    def passes(self) -> int:
        return self.surrogate.passes if isinstance(self.surrogate, Clipped) else 1

    @property
    def value(self) -> Value | None:
        return getattr(self.credit, "value", None)

    @property
    def needs_reference(self) -> bool:
        return self.divergence is not None


class Preferences(AlgorithmSettings):
    """Direct preference optimisation of pairs of the parent's rollouts."""

    name: Literal["dpo"]
    """DPO on the best and the worst rollout of a scene"""
    reward: Reward
    """how rollouts are ranked"""
    sampling: Sampling
    """how the actions of the parent's rollouts are drawn"""
    beta: Annotated[float, Field(gt=0)]
    """coefficient β of DPO, for log-ratios averaged over the actions of a rollout"""
    least_gap: Annotated[float, Field(ge=0)]
    """pairs whose rewards differ by less are left out"""

    @property
    def needs_reference(self) -> bool:
        return True


ALGORITHMS = Tagged(
    "name", "simagents.training.learners",
    BehaviourCloning, NoisyCloning, ClosedLoopCloning, ClosedLoopRegression, Forecasting, PolicyGradient,
    Preferences,
)  # fmt: skip
Algorithm = Annotated[AlgorithmSettings, ALGORITHMS]
