"""The same works by the plain network of `tests/plain`, the baseline."""

from collections.abc import Callable

import torch
from model_choices import closest, sampled
from model_ours import SMOOTHING
from torch.nn.functional import cross_entropy

from plain import tokens
from plain.smart import PlainSmart
from simagents.models.batch import SceneBatch, history_paths, logged_paths
from simagents.models.distribution import TokenDistribution
from simagents.models.smart import Smart
from simagents.tokens.vocabulary import HISTORY_TOKENS, SUBSTEPS


def cloning(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Tokens and targets are made in every step."""
    plain = PlainSmart.of(policy)
    plain.training = True

    def loss() -> torch.Tensor:
        with torch.no_grad():
            kind, seen = scenes.agent_class, scenes.logged_valid
            _, path = tokens.chain(plain.corners, kind, scenes.logged, seen)
            target = tokens.targets(plain.corners, kind, path, scenes.logged)
        paths = logged_paths(scenes)
        logits, agent, step = plain.logits(scenes, paths)
        kept = scenes.trained[agent] & paths.valid[agent, step + HISTORY_TOKENS]
        target = target[agent, step][kept]
        return cross_entropy(logits[kept].float(), target, label_smoothing=SMOOTHING)

    return loss


def closed_loop(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Gradients flow through what the rollout remembers."""
    plain, history = PlainSmart.of(policy), history_paths(scenes, 1)
    plain.training = True
    choice, kind = closest(policy, scenes, history), scenes.agent_class
    seen = scenes.logged_valid & scenes.in_range
    active = seen[:, HISTORY_TOKENS - 1] & seen[:, HISTORY_TOKENS] & scenes.trained
    kept = seen[:, HISTORY_TOKENS + 1 :] & active[:, None]

    def loss() -> torch.Tensor:
        logits, _, poses = plain.roll_out(
            scenes, history, lambda said, step, at: choice(TokenDistribution(said), step, kind, at)
        )
        with torch.no_grad():
            path = torch.cat([history.pose, poses[:, SUBSTEPS - 1 :: SUBSTEPS]], dim=1)
            target = tokens.targets(plain.corners, kind, path, scenes.logged)
        return cross_entropy(logits[kept].float(), target[kept])

    return loss


@torch.no_grad()
def rollout(policy: Smart, scenes: SceneBatch, count: int, autocast: torch.autocast) -> None:
    """One after another."""
    plain, history = PlainSmart.of(policy), history_paths(scenes, 1)
    choice, kind = sampled(scenes, history), scenes.agent_class
    for _ in range(count):
        with autocast:
            plain.roll_out(
                scenes, history,
                lambda said, step, at: choice(TokenDistribution(said.float()), step, kind, at),
            )  # fmt: skip
