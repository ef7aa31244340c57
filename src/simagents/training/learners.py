"""How each algorithm comes by the tensors that its loss wants.

There are three ways: from the log, as it is or with noise; from a rollout held close to the log; and
from free rollouts with a reward. A new policy-gradient algorithm is a loss in `algorithms/` and a line in `LOSSES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from simagents.algorithms.mpo import mpo_loss
from simagents.algorithms.smoothing import spatial_shares
from simagents.algorithms.supervised import cross_entropy, future_targets
from simagents.algorithms.weights import rollout_mean, token_mean
from simagents.counter import hashed, key_of
from simagents.errors import InputError, unknown_key
from simagents.models.batch import Paths, SceneBatch, logged_paths
from simagents.models.distribution import Sampling
from simagents.models.policy import Policy
from simagents.recipe import Recipe
from simagents.rewards.realism import RealismReward
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import by_scene, roll_out, to_world_frame
from simagents.tokens.vocabulary import HISTORY_TOKENS
from simagents.training.batches import Batch
from simagents.training.closed_loop import ROLLOUTS, ClosedLoopCloning
from simagents.training.noisy import NOISES, NoisyCloning

Stats = dict[str, Tensor]


@runtime_checkable
class Learner(Protocol):
    """One algorithm, ready to turn micro-batches into losses."""

    def counts(self, batch: Batch) -> int:
        """What this micro-batch adds to the total that the loss averages over."""
        ...

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        """The micro-batch's part of the global mean, and its part of the numbers to log."""
        ...


@dataclass
class Cloning:
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


@dataclass
class PolicyGradient:
    """Sample rollouts, score them, ask for their log-probabilities once with gradients.

    Dropout is off throughout: the policy that learns is the policy that acted.
    """

    policy: Policy
    model: nn.Module
    reference: nn.Module
    reward: RealismReward
    sampling: Sampling
    recipe: Recipe
    objective: Callable[..., tuple[Tensor, Stats]]

    def counts(self, batch: Batch) -> int:
        return batch.scenes.scenes * self.recipe.budget.rollouts

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        scenes, rollouts = batch.scenes, self.recipe.budget.rollouts
        self.model.eval()
        begun = perf_counter()
        # By place in the order of all steps, so that micro-batches draw what the whole would.
        places = batch.first + np.arange(scenes.scenes)
        seed = hashed(self.recipe.seed, key_of("rollouts"), places)
        sampled = roll_out(
            self.model, scenes, rollouts,
            lambda paths: Sample(seed, batch.ids, scenes, paths, self.sampling),
        )  # fmt: skip
        rolled = perf_counter()
        trajectories = map(to_world_frame, batch.scenarios, by_scene(sampled, scenes, rollouts))
        reward = self.reward(batch.scenarios, list(trajectories))
        rewarded = perf_counter()
        logp, logp_ref, entropy = self._log_probabilities(scenes, sampled.paths)
        # Rows come as (scene, rollout, agent); losses want them padded to the largest scene.
        pad = Padding(scenes, rollouts)
        valid = pad(torch.ones_like(logp, dtype=torch.bool))
        weight = rollout_mean(valid.flatten(0, 1), total).view_as(valid)
        loss, stats = self.objective(pad(logp), pad(logp_ref), reward, weight)
        worlds = reward.numel() / total
        stats |= {
            "reward": reward.mean() * worlds,
            "entropy": (weight * pad(entropy)).sum(),
            "seconds_sampling": torch.tensor(rolled - begun),
            "seconds_reward": torch.tensor(rewarded - rolled),
            "seconds_log_probabilities": torch.tensor(perf_counter() - rewarded),
        }
        return loss, stats

    def _log_probabilities(self, scenes: SceneBatch, paths: Paths) -> tuple[Tensor, Tensor, Tensor]:
        chosen = paths.token[:, HISTORY_TOKENS:]
        mine = self.policy(scenes, paths)
        support = mine.support(self.sampling)
        with torch.no_grad():
            theirs = self.reference(scenes, paths)
            logp_ref = theirs.log_prob(chosen, self.sampling, support)
            entropy = mine.entropy()
        return mine.log_prob(chosen, self.sampling, support), logp_ref, entropy


class Padding:
    """Rows ordered by (scene, rollout, agent) as [S, R, A, …] with A the most agents of a scene."""

    def __init__(self, scenes: SceneBatch, rollouts: int):
        counts = torch.bincount(scenes.agent_scene, minlength=scenes.scenes)
        agent = torch.arange(int(counts.max()), device=counts.device)
        self.there = (agent < counts[:, None])[:, None].expand(-1, rollouts, -1)

    def __call__(self, rows: Tensor) -> Tensor:
        out = rows.new_zeros(*self.there.shape, *rows.shape[1:])
        return out.masked_scatter(self.there.view(*self.there.shape, *[1] * (rows.dim() - 1)), rows)


LOSSES = {"mpo": (mpo_loss, ("alpha", "beta"))}
"""Policy-gradient losses, and which of the recipe's coefficients they take."""

_NEEDS = {
    "bc": {"label_smoothing", "smoothing"},
    "noisy_bc": {"label_smoothing", "noise", "top_k", "temperature"},
    "catk": {"label_smoothing", "rollout"},
    **{
        name: {"sampling_top_k", "temperature", "challenge", "reward", *coefficients}
        for name, (_, coefficients) in LOSSES.items()
    },
}
ALGORITHMS = tuple(_NEEDS)


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


def build_learner(
    recipe: Recipe,
    policy: Policy,
    model: nn.Module,
    reference: nn.Module | None,
    resolved: dict[str, Any],
) -> Learner:
    """The learner of a recipe. `resolved` are coefficients that a rule has measured (α).

    Raises InputError for an unknown algorithm, and for a coefficient too many or too few.
    """
    if recipe.algorithm not in _NEEDS:
        raise unknown_key(recipe.algorithm, "recipe.algorithm", _NEEDS)
    needs, given = _NEEDS[recipe.algorithm], {**recipe.coefficients, **resolved}
    for key, known in (("rollout", ROLLOUTS), ("noise", NOISES)):
        if key in needs and key in given:
            if given[key] not in known:
                raise unknown_key(given[key], f"coefficients of {recipe.algorithm}.{key}", known)
            needs = needs | known[given[key]]
    for key in sorted(set(given) ^ needs):
        if key in given:
            raise unknown_key(key, f"coefficients of {recipe.algorithm}", needs)
        raise InputError(f"{recipe.algorithm} needs the coefficient `{key}`.")
    if recipe.algorithm == "bc":
        return Cloning(
            policy, given["label_smoothing"], smoothing_shares(model, given["smoothing"])
        )
    if recipe.algorithm == "noisy_bc":
        return NoisyCloning(policy, model.actions, recipe.seed, **given)
    if recipe.algorithm == "catk":
        return ClosedLoopCloning(policy, model, recipe.seed, **given)
    if reference is None:
        raise InputError(
            f"{recipe.algorithm} starts from a parent run; give its weights with --parent."
        )
    loss, names = LOSSES[recipe.algorithm]
    return PolicyGradient(
        policy=policy,
        model=model,
        reference=reference,
        reward=RealismReward(given["challenge"], given["reward"]),
        sampling=Sampling(given["sampling_top_k"], given["temperature"]),
        recipe=recipe,
        objective=partial(loss, **{name: given[name] for name in names}),
    )
