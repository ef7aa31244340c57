"""The decoder: all agents of a world at once, step after step."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.config.models import MotionLM as MotionLMSettings
from simagents.models.motionlm.attention import Attention, FeedForward
from simagents.models.motionlm.encoder import EncodedScenes


@dataclass(frozen=True)
class SceneMemory:
    """The encoded scenes as the decoder reads them, once for all steps and worlds."""

    layers: list[Float[Tensor, "S K W"]]
    """keys and values"""
    encoded: EncodedScenes

    def seen(self) -> Bool[Tensor, "S 1 K"]:
        """Every slot sees all sources that exist."""
        return self.encoded.present[:, None]

    def seen_alone(self, own: Int64[Tensor, "S L"]) -> Bool[Tensor, "S L K"]:
        """Every slot sees the map, and of the agents only its own, which is at the place `own`."""
        source = torch.arange(self.encoded.present.shape[1], device=own.device)
        on_map = (source >= self.encoded.agents) & self.encoded.present
        return on_map[:, None] | (own[..., None] == source)


class Decoder(nn.Module):
    """Layers of attention to the world's slots up to this step, then to the encoded scene.

    A slot is one agent at one step. What was there at earlier steps is kept as keys and values: a step
    of a rollout computes those of its own slots alone.
    """

    def __init__(self, settings: MotionLMSettings):
        super().__init__()
        width, heads = settings.width, settings.heads
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    Attention(width, heads),
                    Attention(width, heads),
                    FeedForward(width, settings.feed_forward),
                ]
            )
            for _ in range(settings.decoder_layers)
        )
        self.norm = nn.LayerNorm(width)

    def read(self, encoded: EncodedScenes) -> SceneMemory:
        """Keys and values of the encoded scenes for every layer."""
        layers = [to_scene.memory(encoded.source) for _, to_scene, _ in self.layers]
        return SceneMemory(layers, encoded)

    def forward(
        self,
        x: Float[Tensor, "W L D"],
        seen: Bool[Tensor, "W #L K"],
        scene: SceneMemory,
        of_scene: Bool[Tensor, "S 1 #Q P"] | Float[Tensor, "S H #Q P"],
        kept: list[Float[Tensor, "W E V"]] | None = None,
    ) -> tuple[Float[Tensor, "W L D"], list[Float[Tensor, "W K V"]]]:
        """Features of the slots, and the keys and values of all slots so far, by layer.

        `kept` are those of earlier slots. `seen` says which of all K slots, `x` last, each one sees;
        `of_scene` which sources of the scene each slot of its worlds sees, or how near they are. Worlds are ordered by
        scene, the same number of each.
        """
        scenes, remembered = len(of_scene), []
        for number, (to_world, to_scene, feed_forward) in enumerate(self.layers):
            memory = to_world.memory(x)
            if kept is not None:
                memory = torch.cat([kept[number], memory], dim=1)
            remembered.append(memory)
            x = to_world(x, memory, seen[:, None])
            # All worlds of a scene in one product, so that its keys and values are read once.
            together = x.reshape(scenes, -1, x.shape[-1])
            x = to_scene(together, scene.layers[number], of_scene).view_as(x)
            x = feed_forward(x)
        return self.norm(x), remembered


def steps_seen(there: Bool[Tensor, "W T A"], *, alone: bool = False) -> Bool[Tensor, "W L L"]:
    """Which slots each slot of finished paths sees: agents that are there, at its own step and before.

    `alone`: the agent's own ones only. At the first step all agents are there, so that every slot of an
    agent sees something.
    """
    _, steps, agents = there.shape
    step = torch.arange(steps, device=there.device).repeat_interleave(agents)
    seen = step[:, None] >= step
    if alone:
        agent = torch.arange(agents, device=there.device).repeat(steps)
        seen = seen & (agent[:, None] == agent)
    return seen & there.flatten(1)[:, None]
