"""Credit rules: how rewards become the advantages of actions."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simagents.config.keys import Settings, Tagged

Discount = Annotated[float, Field(ge=0, le=1)]


class CreditSettings(Settings):
    """Of any rule."""

    needs_others: ClassVar[bool] = False
    """whether it reads the reward of a scene's other rollouts"""
    compares_rollouts: ClassVar[bool] = False
    """whether its advantages say which of a scene's rollouts are better, one number for each"""
    looks_ahead: ClassVar[bool] = True
    """whether an action's advantage has the rewards that come after it, where a reward has several steps"""

    @property
    def calibrated(self) -> bool:
        """Whether it starts from rewards of the parent that are measured before training."""
        return False


class ParentMean(Settings):
    """A threshold that is measured before training."""

    parent_mean: float
    """offset from the parent's mean reward on held-out training scenes"""


class ParentDeviations(Settings):
    """A threshold that is measured before training, in units of the measured spread."""

    parent_deviations: float
    """offset from the parent's mean reward on held-out training scenes, in standard deviations of
    the scenes' rewards"""


class Constant(CreditSettings):
    """Reward minus a constant: MPO of SMART-R1."""

    looks_ahead: ClassVar[bool] = False

    rule: Literal["constant"]
    """advantage (r - α) / d"""
    alpha: float | ParentMean | ParentDeviations
    """threshold α: a number, or the parent's mean reward plus an offset"""
    divide_by: Annotated[float, Field(gt=0)] | Literal["parent_deviation"]
    """d: 1.0 leaves the advantage as it is; `parent_deviation` is the standard deviation of the
    parent's rewards over held-out training scenes, so that β weighs against advantages of order 1"""

    @property
    def calibrated(self) -> bool:
        return not (isinstance(self.alpha, float) and isinstance(self.divide_by, float))


class RunningMean(CreditSettings):
    """Reward minus a threshold that follows the policy."""

    looks_ahead: ClassVar[bool] = False

    rule: Literal["running_mean"]
    """advantage r - α, where α follows the mean reward of the steps"""
    alpha: ParentMean
    """initial α, and its offset from the mean"""
    rate: Annotated[float, Field(gt=0, le=1)]
    """after every step α moves by this fraction of its distance to the step's mean reward plus offset"""

    @property
    def calibrated(self) -> bool:
        return True


class SceneMean(CreditSettings):
    """Reward minus the mean over the scene's rollouts: GRPO."""

    compares_rollouts: ClassVar[bool] = True
    looks_ahead: ClassVar[bool] = False

    rule: Literal["scene_mean"]
    """advantage r - mean r over the rollouts of a scene"""
    divide_by_deviation: bool
    """whether advantages are divided by the standard deviation of the scene's rewards"""


class Rloo(CreditSettings):
    """Reward minus the mean over the other rollouts of the scene."""

    compares_rollouts: ClassVar[bool] = True
    looks_ahead: ClassVar[bool] = False

    rule: Literal["rloo"]
    """advantage r_i - mean of r_j over j ≠ i"""


class Mloo(CreditSettings):
    """The metric's leave-one-out differences of RLFTSim."""

    needs_others: ClassVar[bool] = True
    compares_rollouts: ClassVar[bool] = True
    looks_ahead: ClassVar[bool] = False

    rule: Literal["mloo"]
    """advantage mean_j RMM without j - RMM without i"""


class LeaveOneOut(CreditSettings):
    """What a rollout adds to the metric of its scene."""

    needs_others: ClassVar[bool] = True
    compares_rollouts: ClassVar[bool] = True
    looks_ahead: ClassVar[bool] = False

    rule: Literal["leave_one_out"]
    """advantage RMM - RMM without i"""


class RewardToGo(CreditSettings):
    """The sum of an agent's own later rewards."""

    rule: Literal["reward_to_go"]
    """advantage Σ γ^(t' - t) r_t' over t' ≥ t"""
    discount: Discount
    """discount γ for each action"""


class Value(Settings):
    """A learned baseline."""

    start: float | Literal["parent_mean"]
    """the value of every state before training: a number, or the parent's mean reward on held-out
    training scenes"""
    weight: Annotated[float, Field(ge=0)]
    """weight of the value's squared error in the loss"""
    warmup: Discount
    """fraction of the steps in which only the value head learns"""
    learning_rate: Annotated[float, Field(gt=0)]
    """peak learning rate of the value head"""


class Gae(CreditSettings):
    """Generalised advantage estimation with a value head: PPO."""

    rule: Literal["gae"]
    """advantage Σ (γλ)^k δ_{t+k}"""
    discount: Discount
    """discount γ for each action"""
    gae_lambda: Discount
    """λ of generalised advantage estimation; with 1 advantages are sums of rewards minus the value"""
    value: Value
    """the value head"""

    @property
    def calibrated(self) -> bool:
        return self.value.start == "parent_mean"


CREDITS = Tagged(
    "rule", "simagents.algorithms.credit",
    Constant, RunningMean, SceneMean, Rloo, Mloo, LeaveOneOut, RewardToGo, Gae,
)  # fmt: skip
Credit = Annotated[CreditSettings, CREDITS]
