"""The contract between models and everything above them.

Training calls the policy on finished paths: how likely was every action? Simulation goes one action
at a time: `begin`, `branch`, then `observe` after each action. Both get distributions over actions,
and `ActionSpace` computes where an action leads. No code above `models/` depends on the meaning or the
length of an action, or on what the network reads. A family with accelerations or continuous controls brings
its own action space, distribution and representation of a scene (docs/tutorials/own_model.md).
"""

from typing import Any, Literal, Protocol, get_args, runtime_checkable

from jaxtyping import Float, Num
from torch import Tensor, nn

from simagents.models.distribution import Distribution
from simagents.models.paths import AgentState, LoggedStates, Motion, Paths, Worlds
from simagents.models.scenes import SceneBatch

Input = Literal["map", "neighbours"]
INPUTS: tuple[Input, ...] = get_args(Input)
"""What a policy may be shown to depend on: the map with its lights, and the other agents."""

State = Any
"""What a policy keeps during a rollout; private to each family."""


@runtime_checkable
class ActionSpace(Protocol):
    """Where actions lead. D is empty for tokens, and the number of continuous controls elsewhere."""

    log_steps: int
    """log steps of 0.1 s that an action lasts"""

    def step(self, state: AgentState, action: Num[Tensor, "N *D"]) -> Motion:
        """Poses and velocity of the agents during the action."""
        ...

    def nearest(
        self,
        state: AgentState,
        goal: Float[Tensor, "N 3"],
        among: Num[Tensor, "N K *D"] | None = None,
    ) -> Num[Tensor, "N *D"]:
        """The action that ends nearest to the pose `goal`, of all or of those in `among`."""
        ...


@runtime_checkable
class Policy(Protocol):
    """A model of what agents do next: what simulation needs of it."""

    actions: ActionSpace
    history: int
    """actions that lead up to the current step, at least 1"""
    latent_draws: int
    """uniform numbers that decide an agent's latents in a rollout; 0 for policies without latents"""

    def history_paths(self, scenes: SceneBatch, worlds: Worlds) -> Paths:
        """Paths that hold the history only."""
        ...

    def begin(self, scenes: SceneBatch) -> tuple[State, Distribution]:
        """Encode the scenes, take in the history; the distribution of the first action. One world
        for each scene."""
        ...

    def branch(
        self, state: State, distribution: Distribution, paths: Paths
    ) -> tuple[State, Distribution]:
        """Worlds with one past: row i continues where row `paths.agent[i]` of the state is, under
        latents of its own where the policy has some."""
        ...

    def observe(
        self, state: State, action: Num[Tensor, "N *D"], agents: AgentState
    ) -> tuple[State, Distribution]:
        """Take in the action that every agent took and the state it led to; the distribution of the
        next action. `state` is used up: a policy may write into it."""
        ...


@runtime_checkable
class TrainablePolicy(Policy, Protocol):
    """What training needs besides; also an `nn.Module`."""

    feature_width: int
    """of the features that a value head reads"""
    value_head: nn.Module | None
    """attached while PPO trains; no part of the policy. Distributions then carry its values"""
    fine_tuned: list[nn.Module]
    """the parts that `trains: agents` trains. A policy with weights that start at zero and that its
    parent may lack also has their names in a set `added`"""

    def without(self, part: Input) -> "TrainablePolicy":
        """The same weights in a scene without that part; the policy itself where it never reads it."""
        ...

    def logged_states(self, scenes: SceneBatch) -> LoggedStates:
        """The log at the moments between actions."""
        ...

    def logged_paths(self, scenes: SceneBatch) -> Paths:
        """The log as actions, one world for each scene; invalid beyond training's range."""
        ...

    def __call__(self, scenes: SceneBatch, paths: Paths) -> Distribution:
        """Distributions [N, T - history] of the actions after the history, each conditioned on its past.

        Paths with latents are evaluated under these; without, the policy takes those that it
        learns from (a posterior that depends on the log).
        """
        ...
