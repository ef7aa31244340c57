"""The works of the model, as training and simulation do them."""

from collections.abc import Callable
from functools import partial

import torch
from model_choices import TOP_K, closest, sampled

from simagents.models.batch import SceneBatch
from simagents.models.smart import Smart
from simagents.simulation.rollout import roll_out
from simagents.training.batches import Batch
from simagents.training.closed_loop import ClosedLoopCloning
from simagents.training.learners import Cloning

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


@torch.no_grad()
def rollout(policy: Smart, scenes: SceneBatch, count: int, autocast: torch.autocast) -> None:
    """All rollouts at once."""
    with autocast:
        roll_out(policy, scenes, count, partial(sampled, scenes))
