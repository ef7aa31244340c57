"""The works of the model, as training and simulation do them."""

import copy
from collections.abc import Callable
from functools import partial

import torch
from model_choices import TOP_K, closest, sampled

from simagents.models.batch import SceneBatch
from simagents.models.smart import Smart
from simagents.recipe import Budget, Optimiser, Recipe
from simagents.scenarios.scenario import Scenario
from simagents.simulation.rollout import roll_out
from simagents.training.batches import Batch
from simagents.training.closed_loop import ClosedLoopCloning
from simagents.training.learners import Cloning, build_learner

SMOOTHING = 0.1


def cloning(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Behaviour cloning."""
    learner, batch = Cloning(policy, SMOOTHING, None), Batch(0, [], scenes, None)
    return lambda: learner.loss(batch, float(learner.counts(batch)))[0]


def closed_loop(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """CAT-K: a rollout, and one pass over it."""
    learner = ClosedLoopCloning(policy, policy, 0, "closest", 0.0, top_k=TOP_K)
    batch = Batch(0, [], scenes, None)

    def loss() -> torch.Tensor:
        policy.eval()
        done = roll_out(policy, scenes, 1, partial(closest, policy, scenes))
        policy.train()
        learner.rolled[batch.first] = done.paths
        return learner.loss(batch, float(learner.counts(batch)))[0]

    return loss


def reinforced(
    policy: Smart, scenes: SceneBatch, scenarios: list[Scenario], rollouts: int
) -> Callable[[], torch.Tensor]:
    """MPO: rollouts, their reward, the reference's pass and the policy's.

    These rollouts are scored, so they go where the policy sends them and not where the log went.
    """
    recipe = Recipe(
        stage="rft", algorithm="mpo", seed=0, revision=0, parent=None, trains="agents", model={},
        tokens="", held_out=0, precision="float32",
        budget=Budget(steps=1, batch=scenes.scenes, learning_rate=1e-5, rollouts=rollouts),
        optimiser=Optimiser(weight_decay=0.01, clip=0.5, warmup=0.0, final_ratio=0.05),
        coefficients={
            "reward": "scene", "challenge": 2025, "alpha": 0.77, "beta": 0.04, "divergence": "k3",
            "sampling_top_k": 32, "temperature": 1.0,
        },
    )  # fmt: skip
    reference = copy.deepcopy(policy).eval().requires_grad_(False)
    learner = build_learner(recipe, policy, policy, reference, {})
    batch = Batch(0, [str(number) for number in range(scenes.scenes)], scenes, scenarios)

    def loss() -> torch.Tensor:
        learner.prepare([batch])
        return learner.loss(batch, float(learner.counts(batch)))[0]

    return loss


@torch.no_grad()
def rollout(policy: Smart, scenes: SceneBatch, count: int, autocast: torch.autocast) -> None:
    """All rollouts at once."""
    with autocast:
        roll_out(policy, scenes, count, partial(sampled, scenes))
