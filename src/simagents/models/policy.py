"""The interface between models and everything above them.

Training asks `forward`: given what agents did, how likely was every next action? Simulation asks
`begin` and `observe`: what next, one step at a time, remembering the past? Both answer with a
distribution over actions; `ActionSpace` says where an action leads. A model with other actions
(accelerations, continuous controls) brings its own action space and distribution and keeps the
rest: nothing above this line reads a token's meaning.
"""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int64
from torch import Tensor

from simagents.models.batch import Paths, SceneBatch
from simagents.models.distribution import TokenDistribution

State = Any
"""What a policy remembers during a rollout; its own business."""


@runtime_checkable
class ActionSpace(Protocol):
    """Where actions lead."""

    def move(
        self,
        agent_class: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        action: Int64[Tensor, "N"],
    ) -> Float[Tensor, "N 5 3"]:
        """Poses 0.1, …, 0.5 s after `pose`; the last is the next action's start."""
        ...

    def nearest(
        self,
        agent_class: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        goal: Float[Tensor, "N 3"],
        among: Int64[Tensor, "N K"] | None = None,
    ) -> Int64[Tensor, "N"]:
        """The action from `pose` that ends nearest to `goal`, of all or of those in `among`."""
        ...


@runtime_checkable
class Policy(Protocol):
    """A model of what agents do next."""

    actions: ActionSpace

    def __call__(self, scenes: SceneBatch, paths: Paths) -> TokenDistribution:
        """Distributions [N, T - 2] of every path's tokens 2, …, T - 1, each given those before.

        With the values of `value_head`, an attribute that PPO sets, unless it is None.
        """
        ...

    def begin(self, scenes: SceneBatch, paths: Paths) -> State:
        """Encode the scenes once and set up worlds for `observe`; `paths` says who is where."""
        ...

    def branch(self, state: State, paths: Paths) -> State:
        """Worlds with one past: row i goes on where row `paths.agent[i]` of the state stands."""
        ...

    def observe(
        self,
        state: State,
        token: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        valid: Bool[Tensor, "N"],
    ) -> tuple[State, TokenDistribution]:
        """Take in the step that just happened; answer with the distribution of the next action."""
        ...
