"""How near agents are to their logs, and whether they collide, agent by agent and step by step."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float32
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from simagents.config.rewards import Displacement
from simagents.metrics.boxes import COLLISION_DISTANCE, distance_to_nearest_object
from simagents.metrics.concatenation import Pairs
from simagents.rewards.reward import Rewards
from simagents.scenarios.scenario import CURRENT, Scenario


def build(settings: Displacement) -> "DisplacementReward":
    """The reward of these settings."""
    return DisplacementReward(settings.collision)


class DisplacementReward:
    """r = -|p - p_log| - λ c of every agent at every step: Peng et al. 2024, arXiv:2409.18343, Eq. 2.

    |p - p_log| is the distance of the centres in the plane (m); c is 1 where the agent's box meets that of
    any other agent, as the metric measures boxes. Where the log does not see the agent, the reward is
    0 and `counted` is False; the others may still collide with it there.
    """

    scores_sets = False

    def __init__(self, collision: float):
        self._collision = collision

    @torch.no_grad()
    def __call__(
        self,
        scenarios: Sequence[Scenario],
        trajectories: Sequence[Float32[Tensor, "R _ 80 4"]],
        without: bool = False,
    ) -> Rewards:
        """`terms` are the mean displacement and the share of steps in a collision, by rollout, over what
        counts. No rollout depends on the others, so `without` changes nothing."""
        seen = [
            torch.from_numpy(one.valid[one.simulated, CURRENT + 1 :]).to(trajectories[0].device)
            for one in scenarios
        ]
        away = [
            _displacement(*of_scene).masked_fill(~there, 0.0)
            for of_scene, there in zip(zip(scenarios, trajectories, strict=True), seen, strict=True)
        ]
        collides = [
            part & there
            for part, there in zip(_collisions(scenarios, trajectories), seen, strict=True)
        ]
        displacement, collision = _by_scene(away), _by_scene([part.float() for part in collides])
        counted = _by_scene([there[None] for there in seen])
        steps = counted.sum(dim=(-2, -1)).clamp(min=1)
        terms = {
            "displacement": displacement.sum(dim=(-2, -1)) / steps,
            "collision": collision.sum(dim=(-2, -1)) / steps,
        }
        return Rewards(-displacement - self._collision * collision, terms, counted=counted)


def _displacement(
    scenario: Scenario, simulated: Float32[Tensor, "R A 80 4"]
) -> Float32[Tensor, "R A 80"]:
    log = torch.from_numpy(scenario.position[scenario.simulated, CURRENT + 1 :, :2])
    return (simulated[..., :2] - log.to(simulated.device)).norm(dim=-1)


def _collisions(
    scenarios: Sequence[Scenario], trajectories: Sequence[Float32[Tensor, "R _ 80 4"]]
) -> Sequence[Bool[Tensor, "R _ 80"]]:
    """Which agents are in a collision when, scene by scene; all scenes are measured together."""
    device = trajectories[0].device
    counts = [part.shape[1] for part in trajectories]
    size = torch.cat([torch.from_numpy(one.size[one.simulated]) for one in scenarios]).to(device)
    others = [Pairs.of(~torch.eye(count, dtype=torch.bool, device=device)) for count in counts]
    poses = torch.cat(list(trajectories), dim=1)[..., [0, 1, 3]].permute(3, 1, 0, 2)
    everyone = torch.arange(len(size), device=device)
    distance = distance_to_nearest_object(
        poses.contiguous(), size, everyone, Pairs.join(others, counts)
    )
    return (distance < COLLISION_DISTANCE).transpose(0, 1).split(counts, dim=1)


def _by_scene(parts: Sequence[Tensor]) -> Tensor:
    """Rollouts, agents and steps of each scene as [S, R, A, 80], zero where a scene has fewer agents."""
    padded = pad_sequence([part.transpose(0, 1) for part in parts], batch_first=True)
    return padded.transpose(1, 2)
