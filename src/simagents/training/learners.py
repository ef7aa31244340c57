"""How each algorithm comes by the tensors that its loss wants.

There are four ways: from the log, as it is or with noise; from a rollout held close to the log; from
free rollouts with a reward; and from pairs of the parent's rollouts. A new policy gradient is a
module in `algorithms/`, no more.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from simagents.algorithms.kl import EXACT, SAMPLED
from simagents.algorithms.smoothing import spatial_shares
from simagents.algorithms.supervised import cross_entropy, future_targets
from simagents.algorithms.weights import token_mean
from simagents.errors import InputError, unknown_key
from simagents.models.batch import SceneBatch, logged_paths
from simagents.models.distribution import Sampling
from simagents.models.policy import Policy
from simagents.recipe import Recipe
from simagents.rewards.realism import MODES, RealismReward
from simagents.tokens.vocabulary import HISTORY_TOKENS
from simagents.training.batches import Batch
from simagents.training.closed_loop import ROLLOUTS, ClosedLoopCloning
from simagents.training.controls import control_of
from simagents.training.learner import Learner, Stats
from simagents.training.noisy import NOISES, NoisyCloning
from simagents.training.objectives import REWARD, SAMPLING, Objective, losses
from simagents.training.policy_gradient import PolicyGradient
from simagents.training.preferences import Preferences


@dataclass
class Cloning(Learner):
    """Behaviour cloning: the log's tokens given the log's tokens."""

    policy: Policy  # the engine around it, so that gradients are shared
    label_smoothing: float
    shares: Tensor | None
    """[3, V, V]: how each token's smoothed mass is spread over its class; None: evenly"""

    def counts(self, batch: Batch) -> int:
        return int(self._targets(batch.scenes)[1].sum())

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        scenes = batch.scenes
        target, valid = self._targets(scenes)
        distribution = self.policy(scenes, logged_paths(scenes))
        weight = token_mean(valid, total)
        shares = self.shares
        if shares is not None:
            shares = shares[scenes.agent_class[:, None], target]
        return cross_entropy(
            distribution.logits, target, weight,
            label_smoothing=self.label_smoothing, shares=shares,
        )  # fmt: skip

    def _targets(self, scenes: SceneBatch) -> tuple[Tensor, Tensor]:
        paths = logged_paths(scenes)
        target, valid = future_targets(paths.valid, paths.token, HISTORY_TOKENS)
        return target, valid & scenes.trained[:, None]


_NEEDS: dict[str, set[str]] = {
    "bc": {"label_smoothing", "smoothing"},
    "noisy_bc": {"label_smoothing", "noise", "top_k", "temperature"},
    "catk": {"label_smoothing", "rollout"},
    "dpo": {"beta", "least_gap", *SAMPLING, *REWARD},
}
"""Coefficients of what is no policy gradient; those of policy gradients are in their signatures."""
_OBJECTIVES = {name: Objective.of(loss) for name, loss in losses().items() if name not in _NEEDS}
ALGORITHMS = (*_NEEDS, *_OBJECTIVES)

_CHOICES: dict[str, dict[str, set[str]]] = {
    "rollout": ROLLOUTS,
    "noise": NOISES,
    "reward": {mode: {"subgroup"} if mode == "subgroup" else set() for mode in MODES},
    "divergence": {name: set() for name in (*SAMPLED, *EXACT)},
}
"""Coefficients that are names, and further coefficients that each name takes."""


def smoothing_shares(model: nn.Module, smoothing: str) -> Tensor | None:
    """[3, V, V] for the tokens of every class; None where the mass is spread evenly."""
    if smoothing == "uniform":
        return None
    if smoothing not in ("spatial", "spatial_as_released"):
        raise unknown_key(smoothing, "smoothing", ("uniform", "spatial", "spatial_as_released"))
    vocabulary = model.actions.vocabulary
    released = smoothing == "spatial_as_released"
    return torch.stack(
        [
            spatial_shares(corners, ~absent, as_released=released)
            for corners, absent in zip(vocabulary.end_box, vocabulary.absent, strict=True)
        ]
    )


def has_value_head(recipe: Recipe) -> bool:
    """Whether the algorithm learns a value beside the policy."""
    objective = _OBJECTIVES.get(recipe.algorithm)
    return objective is not None and "value" in objective.measured


def build_learner(
    recipe: Recipe,
    policy: Policy,
    model: nn.Module,
    reference: nn.Module | None,
    resolved: dict[str, Any],
    worlds_at_once: int = 0,
) -> Learner:
    """The learner of a recipe. `resolved` are coefficients that a rule has measured (α).

    Raises InputError for an unknown algorithm, and for a coefficient too many or too few.
    """
    name, given = recipe.algorithm, {**recipe.coefficients, **resolved}
    _check(name, given)
    if name == "bc":
        return Cloning(
            policy, given["label_smoothing"], smoothing_shares(model, given["smoothing"])
        )
    if name == "noisy_bc":
        return NoisyCloning(policy, model.actions, recipe.seed, **given)
    if name == "catk":
        return ClosedLoopCloning(policy, model, recipe.seed, **given)
    if reference is None:
        raise InputError(f"{name} starts from a parent run; give its weights with --parent.")
    common = {
        "policy": policy,
        "model": model,
        "reference": reference,
        "reward": RealismReward(given["challenge"], given["reward"], given.get("subgroup")),
        "sampling": Sampling(given["sampling_top_k"], given["temperature"]),
        "recipe": recipe,
    }
    if name == "dpo":
        if isinstance(given["beta"], dict):
            raise InputError(
                "dpo.beta: a steepness, not the weight of a divergence; give a number."
            )
        return Preferences(**common, beta=given["beta"], least_gap=given["least_gap"])
    controls = {
        key: control_of(key, value, resolved.get(key)) for key, value in recipe.coefficients.items()
    }
    return PolicyGradient(
        **common,
        objective=_OBJECTIVES[name],
        coefficients=given,
        controls={key: control for key, control in controls.items() if control is not None},
        worlds_at_once=worlds_at_once,
    )


def _check(algorithm: str, given: dict[str, Any]) -> None:
    if algorithm not in ALGORITHMS:
        raise unknown_key(algorithm, "recipe.algorithm", ALGORITHMS)
    needs = _NEEDS[algorithm] if algorithm in _NEEDS else _OBJECTIVES[algorithm].needs
    for key, known in _CHOICES.items():
        if key in needs and key in given:
            if given[key] not in known:
                raise unknown_key(given[key], f"coefficients of {algorithm}.{key}", known)
            needs = needs | known[given[key]]
    for key in sorted(set(given) ^ needs):
        if key in given:
            raise unknown_key(key, f"coefficients of {algorithm}", needs)
        raise InputError(f"{algorithm} needs the coefficient `{key}`.")
