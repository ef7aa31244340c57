"""Scenes and token paths as flat tensors: ragged, concatenated, never padded."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from simagents.tokens.scene import TokenScene
from simagents.tokens.vocabulary import HISTORY_TOKENS


class _Tensors:
    """Dataclasses of tensors that move together."""

    def to(self, device: torch.device | str):
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        moved = {
            k: v.to(device) if isinstance(v, (Tensor, _Tensors)) else v for k, v in moved.items()
        }
        return replace(self, **moved)


@dataclass(frozen=True, eq=False)
class SceneBatch(_Tensors):
    """S scenes with M map pieces and A agents in all, by scene. Metres from each scene's origin."""

    scenes: int
    map_scene: Int64[Tensor, "M"]
    map_pose: Float32[Tensor, "M 3"]
    map_token: Int64[Tensor, "M"]
    map_type: Int64[Tensor, "M 3"]
    """PointType, PolygonType, LightType"""
    agent_scene: Int64[Tensor, "A"]
    agent_class: Int64[Tensor, "A"]
    agent_size: Float32[Tensor, "A 3"]
    trained: Bool[Tensor, "A"]
    """the loss counts these"""
    logged: Float32[Tensor, "A B 3"]
    logged_valid: Bool[Tensor, "A B"]
    token: Int64[Tensor, "A T"]
    pose: Float32[Tensor, "A T 3"]
    valid: Bool[Tensor, "A T"]
    in_range: Bool[Tensor, "A B"]
    """near enough to the SDC for training; simulation sees agents however far they are"""

    @property
    def device(self) -> torch.device:
        return self.map_pose.device


@dataclass(frozen=True, eq=False)
class Paths(_Tensors):
    """What N agents did, in W worlds: every rollout of a scene is a world, and so is the log.

    Agents of one world see one another, and the map of its scene. T tokens, the first two history.
    """

    agent: Int64[Tensor, "N"]
    """row in the SceneBatch"""
    world: Int64[Tensor, "N"]
    """sorted"""
    token: Int64[Tensor, "N T"]
    pose: Float32[Tensor, "N T 3"]
    """where the agent stands after each token"""
    valid: Bool[Tensor, "N T"]

    def cut(self, steps: int) -> "Paths":
        """The first `steps` tokens."""
        return replace(
            self,
            token=self.token[:, :steps],
            pose=self.pose[:, :steps],
            valid=self.valid[:, :steps],
        )


def collate(
    scenes: Sequence[TokenScene], trained: Sequence[np.ndarray] | None = None
) -> SceneBatch:
    """Concatenate scenes. `trained` are masks over each scene's agents; None: all that may be."""
    if trained is None:
        trained = [scene.trainable for scene in scenes]

    def join(name: str, dtype: torch.dtype) -> Tensor:
        return torch.cat([torch.as_tensor(getattr(scene, name)).to(dtype) for scene in scenes])

    def scene_of(name: str) -> Tensor:
        counts = torch.tensor([len(getattr(scene, name)) for scene in scenes])
        return torch.repeat_interleave(torch.arange(len(scenes)), counts)

    types = ("map_point_type", "map_polygon_type", "map_light")
    return SceneBatch(
        scenes=len(scenes),
        map_scene=scene_of("map_token"),
        map_pose=join("map_pose", torch.float32),
        map_token=join("map_token", torch.int64),
        map_type=torch.stack([join(name, torch.int64) for name in types], dim=-1),
        agent_scene=scene_of("agent_class"),
        agent_class=join("agent_class", torch.int64),
        agent_size=join("agent_size", torch.float32),
        trained=torch.cat([torch.as_tensor(mask) for mask in trained]),
        logged=join("logged", torch.float32),
        logged_valid=join("logged_valid", torch.bool),
        token=join("token", torch.int64),
        pose=join("pose", torch.float32),
        valid=join("valid", torch.bool),
        in_range=join("in_range", torch.bool),
    )


def logged_paths(scenes: SceneBatch) -> Paths:
    """The log as a world of its own for every scene, without what is out of training's range."""
    agents = torch.arange(len(scenes.agent_scene), device=scenes.device)
    valid = scenes.valid & scenes.in_range[:, 1:] & scenes.in_range[:, :-1]
    return Paths(agents, scenes.agent_scene, scenes.token, scenes.pose, valid)


def history_paths(scenes: SceneBatch, rollouts: int) -> Paths:
    """`rollouts` worlds a scene that know only the history; rows by scene, rollout, agent."""
    counts = torch.bincount(scenes.agent_scene, minlength=scenes.scenes).tolist()
    first, agents, worlds = 0, [], []
    for scene, count in enumerate(counts):
        rows = torch.arange(first, first + count, device=scenes.device)
        agents.append(rows.repeat(rollouts))
        ids = torch.arange(rollouts, device=scenes.device) + scene * rollouts
        worlds.append(ids.repeat_interleave(count))
        first += count
    agent = torch.cat(agents)
    past = slice(0, HISTORY_TOKENS)
    return Paths(
        agent=agent,
        world=torch.cat(worlds),
        token=scenes.token[agent, past],
        pose=scenes.pose[agent, past],
        valid=scenes.valid[agent, past],
    )
