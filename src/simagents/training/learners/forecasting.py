"""Learning forecasts: the mode nearest to the log is made likelier and nearer."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from simagents.algorithms.forecasting import mean_over_seen, nearest_mode, of_mode
from simagents.algorithms.weights import token_mean, weighted
from simagents.config.algorithms import Forecasting as ForecastingSettings
from simagents.errors import InputError
from simagents.geometry import to_local
from simagents.models.forecasting import Forecasting as ForecastingPolicy
from simagents.models.forecasting import Modes, laplace
from simagents.models.paths import Paths
from simagents.models.policy import TrainablePolicy
from simagents.training.data.batches import Batch
from simagents.training.learners.imitation import imitable, imitable_actions
from simagents.training.learners.learner import Learner, Stats

_LEARNED = ("likelihood", "heading", "choice")


@dataclass
class Forecasting(Learner):
    """Hard assignment (Chai et al. 2019, MultiPath, arXiv:1910.05449, Eq. 3, as Wayformer uses it): cross-entropy of
    the mode nearest to what happened, and its log-density of what happened.

    Every moment of the log is a start, for forecasts are made anew from all of them. What the log does not
    see is left out. Ours: places have Laplacian densities, and headings 1 - cos of the difference; both count by
    their means over the future's moments, where the equation adds up over them.
    """

    policy: TrainablePolicy
    model: nn.Module
    settings: ForecastingSettings

    def __post_init__(self) -> None:
        if not isinstance(self.model, ForecastingPolicy):
            raise InputError("forecasting: this model family makes no forecasts; choose bc.")

    def counts(self, batch: Batch) -> int:
        return imitable_actions(self.model, batch)

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        scenes = batch.scenes
        log = self.model.logged_paths(scenes)
        weight = token_mean(imitable(scenes, log), total)
        members = self.policy.forecast(scenes, log)
        truth, seen = futures(log, members[0].pose.shape[-2])
        of_members = [self._terms(modes, truth, seen) for modes in members]
        stats = {
            name: weighted(weight, torch.stack([terms[name] for terms in of_members]).mean(dim=0))
            for name in of_members[0]
        }
        loss = sum(getattr(self.settings, name) * stats[name] for name in _LEARNED)
        return loss, {name: term.detach() for name, term in stats.items()}

    def _terms(
        self, modes: Modes, truth: Float[Tensor, "N F H 3"], seen: Bool[Tensor, "N F H"]
    ) -> dict[str, Float[Tensor, "N F"]]:
        off = modes.pose - truth[:, :, None]
        away = off[..., :2].norm(dim=-1)
        best = nearest_mode(away.detach(), seen)
        scale = of_mode(modes.log_scale, best)
        apart = of_mode(off[..., :2].abs().sum(dim=-1), best)
        log_prob = modes.logits.log_softmax(dim=-1)
        return {
            "likelihood": mean_over_seen(-laplace(apart, scale), seen),
            "heading": mean_over_seen(1 - of_mode(off[..., 2], best).cos(), seen),
            "choice": -log_prob.gather(-1, best[..., None]).squeeze(-1),
            "distance_to_log": mean_over_seen(of_mode(away.detach(), best), seen),
            "distance_of_likeliest": mean_over_seen(
                of_mode(away.detach(), modes.logits.argmax(dim=-1)), seen
            ),
        }


def futures(log: Paths, horizon: int) -> tuple[Float[Tensor, "N F H 3"], Bool[Tensor, "N F H"]]:
    """The log's next poses as seen from each moment before an action after the history, and which of them the
    log has."""
    steps = log.action.shape[1]
    start = torch.arange(log.history - 1, steps - 1, device=log.pose.device)
    then = start[:, None] + torch.arange(1, horizon + 1, device=log.pose.device)
    there = then < steps
    then = then.clamp(max=steps - 1)
    now, later = log.pose[:, start][:, :, None], log.pose[:, then]
    return to_local(later, now), log.valid[:, then] & there
