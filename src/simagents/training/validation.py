"""The health of a policy while it trains: what it sees of the scene, and how far it drives."""

from dataclasses import dataclass

import torch
from torch import nn

from simagents.config.recipe import Recipe
from simagents.counter import hashed, key_of
from simagents.metrics.distance import metres_driven
from simagents.models.policy import INPUTS
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import Batch, TrainingScenes
from simagents.training.distributed.processes import Processes, sum_over_processes
from simagents.training.learners.imitation import imitable


@dataclass
class Validation:
    """Measures a policy on held-out training scenes; changes neither the policy nor the training.

    The cross-entropy of the log's actions (minus their mean log-density for continuous ones) is
    measured as it is and without each of INPUTS: a policy that ignores its map loses nothing
    without it. Rollouts give the metres driven relative to the log, because the meta-metric pays for
    driving less.
    """

    scenes: TrainingScenes
    recipe: Recipe
    processes: Processes
    at_once: int
    """scenes in memory at once"""

    def due(self, done: int) -> bool:
        """Whether to measure after so many steps: evenly over the budget, and at its end."""
        budget = self.recipe.budget
        return (
            done * budget.validations // budget.steps
            > (done - 1) * budget.validations // budget.steps
        )

    @torch.no_grad()
    def __call__(self, policy: nn.Module) -> dict[str, float]:
        """Numbers for the log, the same on all processes."""
        policy.eval()
        count = min(self.recipe.validation.scenes, self.recipe.held_out)
        mine = range(self.processes.rank, count, self.processes.world_size)
        blind = [f"without_{part}" for part in INPUTS]
        sums = dict.fromkeys(("actions", "cross_entropy", *blind, "simulated", "logged"), 0.0)
        for first in range(0, len(mine), self.at_once):
            batch = self.scenes.held_out(list(mine[first : first + self.at_once]))
            batch = batch.to(self.processes.device)
            for name, number in {**_surprise(policy, batch), **self._driven(policy, batch)}.items():
                sums[name] += number
        total = torch.tensor(list(sums.values()), dtype=torch.float64, device=self.processes.device)
        sums = dict(zip(sums, sum_over_processes(total).tolist(), strict=True))
        actions, surprise = sums["actions"], sums["cross_entropy"]
        return {
            "validation_cross_entropy": _ratio(surprise, actions),
            **{f"validation_rise_{n}": _ratio(sums[n] - surprise, actions) for n in blind},
            "validation_driven": _ratio(sums["simulated"], sums["logged"]),
        }

    def _driven(self, policy: nn.Module, batch: Batch) -> dict[str, float]:
        settings = self.recipe.validation
        seed = int(hashed(self.recipe.seed, key_of("validation")))
        sampled = roll_out(
            policy, batch.scenes, settings.rollouts,
            lambda draws: Sample(draws, settings.sampling), seed,
        )  # fmt: skip
        driven = [
            metres_driven(*pair) for pair in zip(batch.scenarios, sampled.trajectories, strict=True)
        ]
        return {
            name: sum(each[f"{name}_distance"] for each in driven)
            for name in ("simulated", "logged")
        }


def _surprise(policy: nn.Module, batch: Batch) -> dict[str, float]:
    """Sums of minus the log-probability of the log's actions, and the number of these."""
    paths = policy.logged_paths(batch.scenes)
    counted = imitable(batch.scenes, paths)

    def total(seeing: nn.Module) -> float:
        log_prob = seeing(batch.scenes, paths).log_prob(paths.chosen)
        return -log_prob[counted].double().sum().item()

    without = {f"without_{part}": total(policy.without(part)) for part in INPUTS}
    return {"actions": float(counted.sum()), "cross_entropy": total(policy), **without}


def _ratio(part: float, whole: float) -> float:
    """NaN where the scenes hold nothing to measure."""
    return part / whole if whole else float("nan")


def described(numbers: dict[str, float]) -> str:
    """One line for the log."""
    value = {name.removeprefix("validation_"): number for name, number in numbers.items()}
    without = ", ".join(f"{value[f'rise_without_{part}']:+.3f} without {part}" for part in INPUTS)
    return (
        f"validation: cross-entropy {value['cross_entropy']:.3f} ({without}),"
        f" {value['driven']:.2f} of the logged metres driven"
    )
