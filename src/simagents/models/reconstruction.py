"""An optional capability of policies with latents: to live through the log again, with gradients."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from simagents.models.distribution import Categorical, Distribution, Gaussian
from simagents.models.scenes import SceneBatch


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The log's F actions after the history, lived through again by A agents under latents of the posterior.

    Gradients flow from every pose through all actions before it, back to where the log was given.
    """

    pose: Float[Tensor, "A F 3"]
    """after each action; metres from the scene's origin, radians"""
    velocity: Float[Tensor, "A F 2"]
    logged: Distribution
    """[A, F]: of the log's own actions, each after the log's past, under the same latents"""
    posterior: Gaussian
    """[A]: of the continuous latent, from the whole log"""
    prior: Gaussian
    """[A]: of the same, from the history"""
    destination: Categorical
    """[A]: prior of the discrete latent, over the candidates of each agent"""
    reached: Int64[Tensor, "A"]
    """the candidate that the log chose"""


@runtime_checkable
class Reconstructing(Protocol):
    """What learners need of a policy that is trained by reconstruction."""

    latent_draws: int

    def reconstruct(
        self,
        scenes: SceneBatch,
        forced: Bool[Tensor, "A F"],
        uniform: Float64[Tensor, "A latent_draws"],
    ) -> Reconstruction:
        """One world for each scene. Before the actions that are `forced` an agent is put where the
        log has it, if the log sees it. `uniform` numbers in [0, 1) decide the draw from the posterior."""
        ...
