"""The same kinds of work by the plain network of `tests/plain`, the baseline."""

from collections.abc import Callable
from dataclasses import replace

import torch
from model_choices import ChoiceOf, closest, sampled
from model_ours import SMOOTHING
from torch import Tensor
from torch.nn.functional import cross_entropy

from plain import tokens
from plain.smart import PlainSmart
from simagents.models.distribution import Categorical
from simagents.models.paths import Paths, Worlds
from simagents.models.scenes import SceneBatch
from simagents.models.smart.network import Smart
from simagents.simulation.draws import DrawKeys
from simagents.tokens.vocabulary import HISTORY_TOKENS, SUBSTEPS


def cloning(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Tokens and targets are computed in every step."""
    plain, log = PlainSmart.of(policy), policy.logged_states(scenes)
    plain.training = True

    def loss() -> torch.Tensor:
        with torch.no_grad():
            _, path = tokens.chain(plain.corners, scenes.agent_class, log.pose, log.valid)
            target = tokens.targets(plain.corners, scenes.agent_class, path, log.pose)
        paths = policy.logged_paths(scenes)
        logits, agent, step = plain.logits(scenes, paths)
        kept = scenes.trained[agent] & paths.valid[agent, step + HISTORY_TOKENS]
        target = target[agent, step][kept]
        return cross_entropy(logits[kept].float(), target, label_smoothing=SMOOTHING)

    return loss


def closed_loop(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Gradients flow through what the rollout keeps of its past."""
    plain, history = PlainSmart.of(policy), one_world(policy, scenes)
    plain.training = True
    choose = chosen_by(closest(policy, scenes), scenes, history)
    log, now = policy.logged_states(scenes), HISTORY_TOKENS
    in_log = log.valid & log.in_range
    active = in_log[:, now - 1] & in_log[:, now] & scenes.trained
    kept = in_log[:, now + 1 :] & active[:, None]

    def loss() -> torch.Tensor:
        logits, _, poses = plain.roll_out(scenes, history, choose)
        with torch.no_grad():
            path = torch.cat([history.pose, poses[:, SUBSTEPS - 1 :: SUBSTEPS]], dim=1)
            target = tokens.targets(plain.corners, scenes.agent_class, path, log.pose)
        return cross_entropy(logits[kept].float(), target[kept])

    return loss


@torch.no_grad()
def rollout(policy: Smart, scenes: SceneBatch, count: int, autocast: torch.autocast) -> None:
    """One after another."""
    plain, history = PlainSmart.of(policy), one_world(policy, scenes)
    choose = chosen_by(sampled(scenes, 1), scenes, history)
    for _ in range(count):
        with autocast:
            plain.roll_out(scenes, history, choose)


def one_world(policy: Smart, scenes: SceneBatch) -> Paths:
    """The history of one rollout of every scene."""
    return policy.history_paths(scenes, Worlds.of(scenes, 1))


def chosen_by(
    choice_of: ChoiceOf, scenes: SceneBatch, history: Paths
) -> Callable[[Tensor, int, Tensor], Tensor]:
    """The choice as a function of logits, step and poses."""
    choice = choice_of(DrawKeys(0, scenes, Worlds.of(scenes, 1)))
    agents = history.state(scenes, -1)

    def choose(logits: Tensor, step: int, pose: Tensor) -> Tensor:
        return choice(Categorical(logits.float()), step, replace(agents, pose=pose))[0]

    return choose
