"""Learning from one's own rollouts and their reward."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simagents.algorithms.gae import advantages, moments, whitened
from simagents.algorithms.kl import EXACT, SAMPLED
from simagents.algorithms.weights import rollout_mean, weighted
from simagents.counter import hashed, key_of
from simagents.models.batch import Paths, SceneBatch
from simagents.models.distribution import Sampling
from simagents.models.policy import Policy
from simagents.recipe import Recipe
from simagents.rewards.realism import RealismReward
from simagents.training.batches import Batch
from simagents.training.controls import Control
from simagents.training.engine import sum_over_processes
from simagents.training.experience import Experience, Padding, experience, in_parts
from simagents.training.learner import Learner, Stats
from simagents.training.objectives import Objective
from simagents.training.stopwatch import Stopwatch


@dataclass
class PolicyGradient(Learner):
    """Sample rollouts, score them, ask for their log-probabilities once with gradients.

    Dropout is off throughout: the policy that learns is the policy that acted. The reference is
    asked once a batch, whatever the number of passes over it.
    """

    policy: Policy  # the engine around it, so that gradients are shared
    model: nn.Module
    reference: nn.Module
    reward: RealismReward
    sampling: Sampling
    recipe: Recipe
    objective: Objective
    coefficients: dict[str, Any]
    controls: dict[str, Control] = field(default_factory=dict)
    """coefficients that follow what the run sees"""
    worlds_at_once: int = 0
    """rollouts of a scene whose activations are in memory; 0: all. Changes no more than rounding"""
    prepared: dict[int, Experience] = field(default_factory=dict)
    """by the batch's first place"""

    @property
    def passes(self) -> int:
        return self.coefficients.get("passes", 1)

    def counts(self, batch: Batch) -> int:
        return batch.scenes.scenes * self.recipe.budget.rollouts

    def prepare(self, batches: list[Batch]) -> Stats:
        self.model.eval()
        watch = Stopwatch(batches[0].scenes.device)
        made = [self._experience(batch, watch) for batch in batches]
        if "advantage" in self.objective.measured:
            self._estimate_advantages(batches, made)
        watch.lap("log_probabilities")
        self.prepared = {batch.first: one for batch, one in zip(batches, made, strict=True)}
        return watch.laps

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        self.model.eval()
        known, watch = self.prepared[batch.first], Stopwatch(batch.scenes.device)
        rows = self._pass(self.policy, batch.scenes, known)
        rows = {"logp_old": rows["logp"].detach(), **known.rows, **rows}
        rows["divergence"] = self._divergence(rows)
        # Rows come as (scene, rollout, agent); losses want them padded to the largest scene.
        pad = Padding(batch.scenes, self.recipe.budget.rollouts)
        valid = pad(torch.ones_like(rows["logp"], dtype=torch.bool))
        weight = rollout_mean(valid.flatten(0, 1), total).view_as(valid)
        whole = {"reward": known.reward, "weight": weight}
        found = [
            whole[name] if name in whole else pad(rows[name]) for name in self.objective.measured
        ]
        controlled = {name: control.value for name, control in self.controls.items()}
        given = {name: self.coefficients[name] for name in self.objective.coefficients}
        loss, stats = self.objective.loss(*found, **{**given, **controlled})
        share = known.reward.numel() / total
        stats |= known.logged(total)
        stats |= {name: torch.tensor(value * share) for name, value in controlled.items()}
        with torch.no_grad():
            stats["kl"] = weighted(weight, pad(rows["divergence"]))
            stats["entropy"] = weighted(weight, pad(rows["entropy"]))
        watch.lap("log_probabilities")
        return loss, {**stats, **watch.laps}

    def learned(self, numbers: dict[str, float]) -> None:
        self.prepared = {}
        for control in self.controls.values():
            control.learned(numbers)

    def state(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def restore(self, state: dict[str, Any]) -> None:
        for name, control in self.controls.items():
            control.value = state[name]

    @torch.no_grad()
    def _experience(self, batch: Batch, watch: Stopwatch) -> Experience:
        # By place in the order of all steps, so that micro-batches draw what the whole would.
        places = batch.first + np.arange(batch.scenes.scenes)
        seed = hashed(self.recipe.seed, key_of("rollouts"), places)
        made = experience(
            self.model, batch, self.recipe.budget.rollouts, self.sampling, self.reward, seed, watch
        )
        theirs = self._pass(self.reference, batch.scenes, made)
        made.rows["logp_ref"] = theirs["logp"]
        if "support_logp" in theirs:
            made.rows["support_logp_ref"] = theirs["support_logp"]
        if self.passes > 1 or "advantage" in self.objective.measured:
            acting = self._pass(self.policy, batch.scenes, made)
            made.rows["logp_old"] = acting["logp"]
            if "value" in acting:
                made.rows["value_old"] = acting["value"]
        watch.lap("log_probabilities")
        return made

    def _pass(self, policy: Policy, scenes: SceneBatch, known: Experience) -> dict[str, Tensor]:
        """One teacher-forced pass over what was sampled; [N, F] by name."""
        exact = self.coefficients["divergence"] in EXACT

        def run(paths: Paths, support: Tensor, chosen: Tensor) -> dict[str, Tensor]:
            distribution = policy(scenes, paths)
            rows = {"logp": distribution.log_prob(chosen, self.sampling, support)}
            if exact:
                rows["support_logp"] = distribution.log_probs(self.sampling, support)
            if distribution.value is not None:
                rows["value"] = distribution.value
            with torch.no_grad():
                rows["entropy"] = distribution.entropy()
            return rows

        rollouts = self.recipe.budget.rollouts
        return in_parts(run, known.paths, known.support, rollouts, self.worlds_at_once)

    def _divergence(self, rows: dict[str, Tensor]) -> Tensor:
        name = self.coefficients["divergence"]
        if name in EXACT:
            return EXACT[name](rows["support_logp"], rows["support_logp_ref"])
        return SAMPLED[name](rows["logp"], rows["logp_ref"])

    def _estimate_advantages(self, batches: list[Batch], made: list[Experience]) -> None:
        """GAE per agent, whitened over the step's batches of all processes."""
        given = {name: self.coefficients[name] for name in ("discount", "gae_lambda")}
        weights, total = [], torch.zeros(3, dtype=torch.float64, device=made[0].reward.device)
        for batch, one in zip(batches, made, strict=True):
            reward = one.reward.flatten()[one.paths.world]
            advantage, returns = advantages(reward, one.rows["value_old"], **given)
            one.rows |= {"advantage": advantage, "returns": returns}
            pad = Padding(batch.scenes, self.recipe.budget.rollouts)
            valid = pad(torch.ones_like(advantage, dtype=torch.bool))
            weights.append(rollout_mean(valid.flatten(0, 1), 1.0).view_as(valid))
            total = total + moments(weights[-1], pad(advantage))
        total = sum_over_processes(total)
        for one in made:
            one.rows["advantage"] = whitened(one.rows["advantage"], total)
