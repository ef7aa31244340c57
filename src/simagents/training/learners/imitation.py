"""Imitation: a loss towards target actions, shared by all imitation learners."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from simagents.algorithms.smoothing import spatial_shares
from simagents.algorithms.supervised import cross_entropy, likelihood_loss
from simagents.algorithms.weights import token_mean
from simagents.config.algorithms import BehaviourCloning
from simagents.errors import InputError
from simagents.models.distribution import Categorical, Distribution
from simagents.models.paths import Paths
from simagents.models.policy import TrainablePolicy
from simagents.models.scenes import SceneBatch
from simagents.training.data.batches import Batch
from simagents.training.learners.goals import GoalGiving
from simagents.training.learners.learner import Learner, Stats


@dataclass
class Cloning(Learner):
    """Behaviour cloning: the log's actions as targets, after the log's past."""

    policy: TrainablePolicy  # the engine around it, so that gradients are shared
    model: nn.Module
    settings: BehaviourCloning
    goals: GoalGiving | None = None
    """where agents are given some"""
    shares: Tensor | None = None
    """[3, V, V]: how label smoothing spreads each token's mass over its class; None: evenly"""

    def __post_init__(self) -> None:
        if self.settings.smoothing != "uniform":
            released = self.settings.smoothing == "spatial_as_released"
            self.shares = smoothing_shares(self.model, as_released=released)

    def counts(self, batch: Batch) -> int:
        return imitable_actions(self.model, batch)

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        scenes = batch.scenes
        if self.goals is not None:
            scenes = self.goals.given(scenes, batch.places)
        paths = self.model.logged_paths(scenes)
        weight = token_mean(imitable(scenes, paths), total)
        shares = self.shares
        if shares is not None:
            shares = shares[scenes.agent_class[:, None], paths.chosen]
        return imitation_loss(
            self.policy(scenes, paths), paths.chosen, weight, self.settings.label_smoothing, shares
        )


def imitable(scenes: SceneBatch, paths: Paths) -> Tensor:
    """[A, F] bool: valid actions of trained agents, after the history, that follow a valid action."""
    follows = paths.valid[:, paths.history - 1 : -1]
    return paths.valid[:, paths.history :] & follows & scenes.trained[:, None]


def imitable_actions(model: TrainablePolicy, batch: Batch) -> int:
    """How many of a micro-batch's actions there are to imitate."""
    return int(imitable(batch.scenes, model.logged_paths(batch.scenes)).sum())


def back_to_log(model: TrainablePolicy, scenes: SceneBatch, paths: Paths) -> Tensor:
    """[A, F, *D]: for each action after the history the one, of the whole action space, that ends
    nearest to the log's next pose as seen from where the path is."""
    goal = model.logged_states(scenes).pose[:, paths.history + 1 :]
    before = paths.states_before_chosen(scenes)
    return model.actions.nearest(before, goal.flatten(0, 1)).view_as(paths.chosen)


def imitation_loss(
    distribution: Distribution,
    target: Tensor,
    weight: Tensor,
    label_smoothing: float,
    shares: Tensor | None = None,
) -> tuple[Tensor, Stats]:
    """Cross-entropy over tokens, with smoothing; minus the log-density of continuous actions."""
    if isinstance(distribution, Categorical):
        return cross_entropy(
            distribution.logits, target, weight, label_smoothing=label_smoothing, shares=shares
        )
    if label_smoothing:
        raise InputError("label_smoothing: continuous actions have no labels; give 0.0.")
    return likelihood_loss(distribution.log_prob(target), weight)


def smoothing_shares(model: nn.Module, *, as_released: bool) -> Tensor:
    """[3, V, V]: spatial shares of the tokens of every class.

    Raises InputError for a model without discrete actions.
    """
    ends = getattr(model.actions, "ends", None)
    if ends is None:
        raise InputError("smoothing: continuous actions have no labels; choose uniform.")
    corners, exists = ends()
    return torch.stack(
        [
            spatial_shares(*of_class, as_released=as_released)
            for of_class in zip(corners, exists, strict=True)
        ]
    )
