"""Policy gradients: learning from rollouts of the current policy and their reward."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simagents.algorithms.credit import Credit, Evidence, credit_of
from simagents.algorithms.kl import SAMPLED
from simagents.algorithms.policy_gradient import policy_gradient_loss
from simagents.algorithms.surrogate import clipped_gain, on_policy_gain
from simagents.algorithms.weights import rollout_mean, weighted
from simagents.algorithms.whitening import moments, whitened
from simagents.config.algorithms import Clipped
from simagents.config.algorithms import PolicyGradient as PolicyGradientSettings
from simagents.config.credit import Constant
from simagents.config.recipe import Recipe
from simagents.counter import hashed, key_of
from simagents.models.paths import Paths
from simagents.models.policy import TrainablePolicy
from simagents.models.scenes import SceneBatch
from simagents.rewards.reward import Reward
from simagents.training.data.batches import Batch
from simagents.training.distributed.processes import sum_over_processes
from simagents.training.learners.controls import Control
from simagents.training.learners.experience import Experience, Padding, experience, in_parts
from simagents.training.learners.goals import GoalLearning
from simagents.training.learners.learner import Learner, Stats
from simagents.training.schedule import value_warmup
from simagents.training.stopwatch import Stopwatch


@dataclass
class PolicyGradient(Learner):
    """Sample rollouts, score them, then evaluate their log-probabilities once with gradients.

    Dropout is off throughout: the policy that learns is the policy that acted. The reference is
    evaluated once for each batch, not once for each pass.
    """

    policy: TrainablePolicy  # the engine around it, so that gradients are shared
    model: nn.Module
    reference: nn.Module | None
    reward: Reward
    recipe: Recipe
    threshold: Control | None
    """α, for credit rules with one"""
    divide_by: float
    """of advantages over the threshold"""
    beta: Control | None
    """weight of the divergence; None without one"""
    goals: GoalLearning | None = None
    """for policies that learn to reach goals"""
    worlds_at_once: int = 0
    """rollouts of a scene whose activations are in memory; 0: all. Changes no more than rounding"""
    followed: int = 0
    """steps so far"""
    prepared: dict[int, Experience] = field(default_factory=dict)
    """by the batch's first place"""
    kl: Callable[[Tensor, Tensor], Tensor] | None = None
    """exact divergence of the policy's distributions; set by the first pass"""

    @property
    def settings(self) -> PolicyGradientSettings:
        return self.recipe.algorithm

    @property
    def passes(self) -> int:
        return self.settings.passes

    @property
    def controls(self) -> dict[str, Control]:
        controls = {"alpha": self.threshold, "beta": self.beta}
        return {name: control for name, control in controls.items() if control is not None}

    def counts(self, batch: Batch) -> int:
        return batch.scenes.scenes * self.recipe.budget.rollouts

    def prepare(self, batches: list[Batch]) -> Stats:
        self.model.eval()
        watch = Stopwatch(batches[0].scenes.device)
        experiences = [self._experience(batch, watch) for batch in batches]
        self._assign_credit(batches, experiences)
        watch.lap("log_probabilities")
        places = [batch.first for batch in batches]
        self.prepared = dict(zip(places, experiences, strict=True))
        return watch.laps

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        self.model.eval()
        sampled, watch = self.prepared[batch.first], Stopwatch(batch.scenes.device)
        rows = self._pass(self.policy, sampled.scenes, sampled.paths)
        rows = {"logp_old": rows["logp"].detach(), **sampled.rows, **rows}
        # Rows come as (scene, rollout, agent); losses read them padded to the largest scene.
        pad = Padding(batch.scenes, self.recipe.budget.rollouts)
        valid = sampled.valid(pad)
        weight = rollout_mean(valid.flatten(0, 1), total).view_as(valid)
        advantage = sampled.padded["advantage"]
        goal_stats: Stats = {}
        if self.goals is not None:
            advantage, goal_stats = self._towards_goals(advantage, rows, sampled, pad, total)
        gain, stats = self._gain(pad(rows["logp"]), pad(rows["logp_old"]), advantage, weight)
        divergence = pad(self._divergence(rows)) if self.beta is not None else None
        error = None
        if self.settings.value is not None:
            value = pad(rows["value"])
            error = (value - sampled.padded["returns"]).square()
            with torch.no_grad():
                stats["value"] = weighted(weight, value)
                stats["value_error"] = weighted(weight, error)
                stats["returns"] = weighted(weight, sampled.padded["returns"])
                stats["squared_returns"] = weighted(weight, sampled.padded["returns"].square())
        loss = policy_gradient_loss(
            gain,
            weight,
            scale=self._scale(valid),
            divergence=divergence,
            beta=0.0 if self.beta is None else self.beta.value,
            value_error=error,
            value_weight=0.0 if error is None else self.settings.value.weight,
        )
        stats |= sampled.logged(total) | self._controlled(sampled, total) | goal_stats
        with torch.no_grad():
            advantage = advantage.expand_as(weight)
            stats["advantage"] = weighted(weight, advantage)
            stats["positive"] = weighted(weight, (advantage > 0).float())
            stats["entropy"] = weighted(weight, pad(rows["entropy"]))
            if divergence is not None:
                stats["kl"] = weighted(weight, divergence)
        watch.lap("log_probabilities")
        return loss, {**stats, **watch.laps}

    def follow(self, numbers: dict[str, float]) -> None:
        self.prepared = {}
        if "value_error" in numbers:
            variance = numbers.pop("squared_returns") - numbers["returns"] ** 2
            # Share of the variance of this step's returns that the values explain; 0 for a constant.
            numbers["explained"] = 1 - numbers["value_error"] / max(variance, 1e-12)
        if self.goals is not None:
            self.goals.follow(numbers)
        # While only the value head learns the policy is its reference: no divergence, and nothing to follow.
        waits = self.followed < value_warmup(self.recipe)
        self.followed += 1
        for name, control in self.controls.items():
            if not (waits and name == "beta"):
                control.follow(numbers)

    def state(self) -> dict[str, Any]:
        values = {name: control.value for name, control in self.controls.items()}
        return {**values, "followed": self.followed}

    def restore(self, state: dict[str, Any]) -> None:
        self.followed = state["followed"]
        for name, control in self.controls.items():
            control.value = state[name]

    def _scale(self, valid: Tensor) -> float | Tensor:
        """What turns the mean over a rollout's actions into the reduction of the recipe."""
        if self.settings.log_prob == "mean":
            return 1.0
        return valid.sum(dim=(-2, -1), keepdim=True).float()

    def _gain(
        self, logp: Tensor, logp_old: Tensor, advantage: Tensor, weight: Tensor
    ) -> tuple[Tensor, Stats]:
        if not isinstance(self.settings.surrogate, Clipped):
            return on_policy_gain(logp, advantage), {}
        gain, clipped = clipped_gain(logp, logp_old, advantage, self.settings.surrogate.range)
        with torch.no_grad():
            return gain, {"clipped": weighted(weight, clipped)}

    @torch.no_grad()
    def _experience(self, batch: Batch, watch: Stopwatch) -> Experience:
        seed = hashed(self.recipe.seed, key_of("rollouts"), batch.places)
        if self.goals is not None:
            batch = replace(batch, scenes=self.goals.given(batch.scenes, batch.places))
        sampled = experience(
            self.model, batch, self.recipe.budget.rollouts, self.settings.sampling, self.reward,
            seed, watch, without=self.settings.credit.needs_others,
        )  # fmt: skip
        if self.goals is not None:
            self._pursue(sampled, batch.places)
        sampled.trajectories = []
        if self.reference is not None:
            rows = self._pass(self.reference, sampled.scenes, sampled.paths)
            for name in {"logp", "parameters"} & rows.keys():
                sampled.rows[f"{name}_ref"] = rows[name]
        if self.passes > 1 or self.settings.value is not None:
            rows = self._pass(self.policy, sampled.scenes, sampled.paths)
            sampled.rows["logp_old"] = rows["logp"]
            if "value" in rows:
                sampled.rows["value_old"] = rows["value"]
        watch.lap("log_probabilities")
        return sampled

    def _pursue(self, sampled: Experience, places: np.ndarray) -> None:
        """From here on policies see the goals that are learned from, in some scenes in hindsight."""
        given, credit = sampled.scenes, self._credit(sampled).advantage
        pursuit = self.goals.pursuit(given, places, sampled.trajectories, credit)
        sampled.pursuit, sampled.scenes = pursuit, pursuit.scenes
        if pursuit.hindsight.any():
            sampled.rows["logp_given"] = self._pass(self.policy, given, sampled.paths)["logp"]

    @torch.no_grad()
    def _towards_goals(
        self,
        advantage: Tensor,
        rows: dict[str, Tensor],
        sampled: Experience,
        pad: Padding,
        total: float,
    ) -> tuple[Tensor, Stats]:
        """Advantages with the weight of hindsight, and numbers to log."""
        ratio = None
        if "logp_given" in rows:
            both = pad(rows["logp_old"]), pad(rows["logp_given"])
            advantage, ratio = self.goals.reweighted(advantage, *both, sampled.pursuit)
        exists = ~sampled.scenes.goal[sampled.paths.agent, 0].isnan()
        credit = sampled.padded["credit"]
        return advantage, self.goals.logged(credit, sampled.pursuit, ratio, pad(exists), total)

    def _pass(self, policy: TrainablePolicy, scenes: SceneBatch, paths: Paths) -> dict[str, Tensor]:
        """One teacher-forced pass over what was sampled; [N, F] by name."""
        divergence = self.settings.divergence
        exact = divergence is not None and divergence.estimator not in SAMPLED

        def run(paths: Paths) -> dict[str, Tensor]:
            distribution = policy(scenes, paths)
            drawn_from = distribution.drawn_by(self.settings.sampling, paths.support)
            rows = {"logp": drawn_from.log_prob(paths.chosen)}
            if exact:
                rows["parameters"] = drawn_from.parameters
                self.kl = drawn_from.kl
            if distribution.value is not None:
                rows["value"] = distribution.value
            with torch.no_grad():
                rows["entropy"] = distribution.entropy()
            return rows

        return in_parts(run, paths, self.recipe.budget.rollouts, self.worlds_at_once)

    def _divergence(self, rows: dict[str, Tensor]) -> Tensor:
        estimator = self.settings.divergence.estimator
        if estimator in SAMPLED:
            return SAMPLED[estimator](rows["logp"], rows["logp_ref"])
        pair = rows["parameters"], rows["parameters_ref"]
        return self.kl(*pair) if estimator == "exact_reverse" else self.kl(*reversed(pair))

    def _credit(self, sampled: Experience) -> Credit:
        """The credit for the reward, by the recipe's rule."""
        settings = self.settings.credit
        if self.threshold is not None:
            settings = Constant(
                rule="constant", alpha=self.threshold.value, divide_by=self.divide_by
            )
        actions, value = sampled.paths.chosen.shape[1], sampled.rows.get("value_old")
        if value is not None:
            value = Padding(sampled.scenes, self.recipe.budget.rollouts)(value)
        reward = by_action(sampled.rewards.total, actions, sampled.rewards.counted)
        return credit_of(settings, Evidence(reward, actions, sampled.rewards.without, value))

    def _assign_credit(self, batches: list[Batch], experiences: list[Experience]) -> None:
        """Advantages of all actions, whitened over the step's batches of all processes if so set."""
        device = batches[0].scenes.device
        total = torch.zeros(3, dtype=torch.float64, device=device)
        for batch, sampled in zip(batches, experiences, strict=True):
            pad = Padding(batch.scenes, self.recipe.budget.rollouts)
            credit = self._credit(sampled)
            advantage = credit.advantage
            if self.goals is not None:
                sampled.padded["credit"] = advantage
                advantage = self.goals.advantage(advantage, sampled.pursuit)
            sampled.padded["advantage"] = advantage
            if credit.returns is not None:
                sampled.padded["returns"] = credit.returns
            if self.settings.whiten:
                valid = sampled.valid(pad)
                # Actions weigh in the mean as they do in the loss.
                weight = rollout_mean(valid.flatten(0, 1), 1.0).view_as(valid) * self._scale(valid)
                total = total + moments(weight, advantage.expand_as(weight))
        if self.settings.whiten:
            total = sum_over_processes(total)
            for sampled in experiences:
                sampled.padded["advantage"] = whitened(sampled.padded["advantage"], total)

    def _controlled(self, sampled: Experience, total: float) -> Stats:
        scenes, rollouts = sampled.rewards.total.shape[:2]
        share = scenes * rollouts / total
        return {
            name: torch.tensor(control.value * share) for name, control in self.controls.items()
        }


def by_action(reward: Tensor, actions: int, counted: Tensor | None = None) -> Tensor:
    """A reward by log step as one by action: the mean over those of the action's steps that count."""
    steps = reward.shape[-1]
    if steps == 1:
        return reward
    of_steps = reward.unflatten(-1, (actions, steps // actions))
    if counted is None:
        return of_steps.mean(dim=-1)
    weight = counted.expand_as(reward).unflatten(-1, (actions, -1))
    return (of_steps * weight).sum(dim=-1) / weight.sum(dim=-1).clamp(min=1)
