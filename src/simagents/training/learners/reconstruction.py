"""Closed-loop regression: policies with latents learn to live through the log again."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from simagents.algorithms.reconstruction import balanced_divergence, state_errors
from simagents.algorithms.weights import token_mean, weighted
from simagents.config.algorithms import ClosedLoopRegression as RegressionSettings
from simagents.config.recipe import Recipe
from simagents.counter import hashed, key_of
from simagents.errors import InputError
from simagents.models.distribution import Gaussian
from simagents.models.paths import Worlds
from simagents.models.policy import TrainablePolicy
from simagents.models.reconstruction import Reconstructing, Reconstruction
from simagents.simulation.draws import DrawKeys
from simagents.training.data.batches import Batch
from simagents.training.learners.imitation import imitable, imitable_actions
from simagents.training.learners.learner import Learner, Stats


@dataclass
class ClosedLoopRegression(Learner):
    """The training of TrafficBots V1.5 (Zhang et al. 2024, arXiv:2406.10898), without its lights.

    The agents drive through the log's future under a draw from the posterior, each by the mean of its
    distribution, and gradients flow through all steps. Before each step an agent is put back on its log
    with a probability that falls to zero. The regression says nothing about the deviation of the
    controls, so the likelihood of the log's own controls is a further term (ours), without which a policy
    gradient would have nothing to vary. Terms of an agent count as often as its steps do.
    """

    policy: TrainablePolicy
    model: nn.Module
    recipe: Recipe

    def __post_init__(self) -> None:
        if not isinstance(self.model, Reconstructing):
            raise InputError(
                "closed_loop_regression: this model family cannot reconstruct a log; choose bc."
            )

    @property
    def settings(self) -> RegressionSettings:
        return self.recipe.algorithm

    def counts(self, batch: Batch) -> int:
        return imitable_actions(self.model, batch)

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        scenes, settings = batch.scenes, self.settings
        log = self.model.logged_paths(scenes)
        weight = token_mean(imitable(scenes, log), total)
        by_agent = weight.sum(dim=-1)
        forcing = self._forcing(batch.first)
        lived = self._reconstructed(batch, log.chosen.shape[1], forcing)
        future = slice(log.history, None)
        errors = state_errors(
            lived.pose, lived.velocity, log.pose[:, future], log.velocity[:, future]
        )
        terms = {name: weighted(weight, error) for name, error in errors.items()}
        terms["likelihood"] = weighted(weight, -lived.logged.log_prob(log.chosen))
        terms["divergence"] = weighted(by_agent, self._divergence(lived))
        terms["destination"] = weighted(by_agent, -lived.destination.log_prob(lived.reached))
        loss = sum(getattr(settings, name) * term for name, term in terms.items())
        with torch.no_grad():
            away = (lived.pose - log.pose[:, future])[..., :2].norm(dim=-1)
            found = (lived.destination.mode() == lived.reached).float()
            stats = {name: term.detach() for name, term in terms.items()}
            stats["distance_to_log"] = weighted(weight, away)
            stats["destination_found"] = weighted(by_agent, found)
            stats["teacher_forcing"] = forcing * weight.sum()
        return loss, stats

    def _forcing(self, place: int) -> float:
        """Probability of being put back on the log, by the share of the budget that is used."""
        schedule, budget = self.settings.teacher_forcing, self.recipe.budget
        used = place // budget.batch / budget.steps
        return schedule.start * max(1 - used / schedule.until, 0.0)

    def _reconstructed(self, batch: Batch, steps: int, forcing: float) -> Reconstruction:
        scenes = batch.scenes
        seed = hashed(self.recipe.seed, key_of("reconstruction"), batch.places)
        draws = DrawKeys(seed, scenes, Worlds.of(scenes, 1))
        forced = draws.uniform(0, steps) < forcing
        return self.policy.reconstruct(scenes, forced, draws.latent(self.model.latent_draws))

    def _divergence(self, lived: Reconstruction) -> Tensor:
        posterior, prior = lived.posterior.parameters, lived.prior.parameters
        settings = self.settings
        return balanced_divergence(
            Gaussian.kl(posterior, prior.detach()),
            Gaussian.kl(posterior.detach(), prior),
            balance=settings.balance,
            free=settings.free_nats,
        )
