"""The kinds of work of the model, as training and simulation do them."""

import copy
from collections.abc import Callable

import torch
from model_choices import TOP_K, closest, sampled

from simagents.config.algorithms import BehaviourCloning, ClosedLoopCloning, Closest
from simagents.config.recipe import Recipe
from simagents.models.scenes import SceneBatch
from simagents.models.smart.network import Smart
from simagents.scenarios.scenario import Scenario
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import Batch
from simagents.training.learners import closed_loop as closed_loop_learner
from simagents.training.learners.imitation import Cloning
from simagents.training.learners.registry import build_learner

SMOOTHING = 0.1


def cloning(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Behaviour cloning."""
    settings = BehaviourCloning(name="bc", label_smoothing=SMOOTHING, smoothing="uniform")
    learner, batch = Cloning(policy, policy, settings), Batch(0, scenes, [])
    return lambda: learner.loss(batch, float(learner.counts(batch)))[0]


def closed_loop(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """CAT-K: a rollout, and one pass over it."""
    rollout = Closest(choice="closest", top_k=TOP_K)
    settings = ClosedLoopCloning(name="catk", label_smoothing=0.0, rollout=rollout)
    learner = closed_loop_learner.ClosedLoopCloning(policy, policy, 0, settings)
    batch = Batch(0, scenes, [])

    def loss() -> torch.Tensor:
        policy.eval()
        rollouts = roll_out(policy, scenes, 1, closest(policy, scenes))
        policy.train()
        learner.rolled[batch.first] = rollouts.paths
        return learner.loss(batch, float(learner.counts(batch)))[0]

    return loss


def reinforced(
    policy: Smart, scenes: SceneBatch, scenarios: list[Scenario], rollouts: int
) -> Callable[[], torch.Tensor]:
    """MPO: rollouts, their reward, the reference's pass and the policy's.

    Agents go where the policy sends them and not where the log went, because rollouts are scored.
    """
    recipe = Recipe.model_validate(
        {
            "stage": "rft", "seed": 0, "revision": 0, "parent": None, "trains": "agents",
            "model": policy.config, "data": "", "tokens": "", "held_out": 0, "precision": "float32",
            "budget": {
                "steps": 1, "batch": scenes.scenes, "learning_rate": 1e-5, "rollouts": rollouts,
                "validations": 0,
            },
            "optimiser": {
                "betas": [0.9, 0.999], "weight_decay": 0.01, "clip": 0.5, "warmup": 0.0,
                "schedule": "cosine", "final_ratio": 0.05,
            },
            "validation": {
                "scenes": 1, "rollouts": 1, "sampling": {"top_k": 0, "temperature": 1.0}
            },
            "algorithm": {
                "name": "policy_gradient", "whiten": False, "log_prob": "mean",
                "reward": {"kind": "realism", "challenge": 2025, "scored": "scene"},
                "credit": {"rule": "constant", "alpha": 0.77, "divide_by": 1.0},
                "surrogate": {"kind": "on_policy"},
                "divergence": {"estimator": "k3", "beta": 0.04},
                "sampling": {"top_k": 32, "temperature": 1.0},
            },
        }
    )  # fmt: skip
    reference = copy.deepcopy(policy).eval().requires_grad_(False)
    learner = build_learner(recipe, policy, policy, reference)
    batch = Batch(0, scenes, scenarios)

    def loss() -> torch.Tensor:
        learner.prepare([batch])
        return learner.loss(batch, float(learner.counts(batch)))[0]

    return loss


@torch.no_grad()
def rollout(policy: Smart, scenes: SceneBatch, count: int, autocast: torch.autocast) -> None:
    """All rollouts at once."""
    with autocast:
        roll_out(policy, scenes, count, sampled(scenes, count))
