"""MotionLM: the scene is encoded once, then all agents act step by step."""

import copy
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.config.models import MotionLM as MotionLMSettings
from simagents.models.distribution import Categorical
from simagents.models.log_policy import LogPolicy
from simagents.models.motionlm.actions import ACTIONS, VerletActions
from simagents.models.motionlm.attention import nearer_the_more
from simagents.models.motionlm.decoder import Decoder, SceneMemory, steps_seen
from simagents.models.motionlm.encoder import SceneEncoder
from simagents.models.motionlm.inputs import DecoderInputs, Placed
from simagents.models.motionlm.slots import Slots
from simagents.models.paths import AgentState, Paths, Worlds
from simagents.models.perceptrons import mlp_head
from simagents.models.policy import Input
from simagents.models.scenes import SceneBatch


class MotionLM(LogPolicy, nn.Module):
    """The `Policy` of Peng et al. 2024, arXiv:2409.18343, at 2 Hz.

    An agent goes by the embedding of its state at the current step, its identity, which is all that the
    first step of the decoder reads; later steps read the identity and the embedding of the action before.
    The paper's identity is the place alone; ours also has heading, velocity, size and class. All agents
    act at once, given all earlier actions of all. The encoded scene stays as it is at the current step.
    Coordinates are those of the scene: the SDC at the current step is the origin and heads along x.
    """

    history = 2

    def __init__(self, settings: MotionLMSettings):
        super().__init__()
        width = settings.width
        self.settings = settings
        self.actions = VerletActions()
        self.encoder = SceneEncoder(settings)
        self.inputs = DecoderInputs(settings)
        self.decoder = Decoder(settings)
        self.head = mlp_head(width, width, ACTIONS)
        self.feature_width = width
        self.value_head: nn.Module | None = None
        self.unseen: Input | None = None

    @property
    def fine_tuned(self) -> list[nn.Module]:
        """The decoder; the encoder stays frozen."""
        return [self.inputs, self.decoder, self.head]

    def without(self, part: Input) -> "MotionLM":
        """Shares the weights; nothing attends to that part."""
        blind = copy.copy(self)
        blind.unseen = part
        return blind

    # ---- training: all steps of finished paths at once ---------------------------------------------

    def forward(self, scenes: SceneBatch, paths: Paths) -> Categorical:
        """Logits [N, T - history, 169]; rows of agents that are not valid are undefined."""
        agent, steps = paths.agent, paths.action.shape[1] - self.history
        slots = Slots.of(scenes.agent_scene[agent], paths.world, scenes.scenes)
        before = slice(self.history - 1, -1)
        placed = Placed(
            paths.pose[:, before], paths.velocity[:, before], scenes.agent_axis[agent, None]
        )
        rows = self.inputs(
            self.inputs.identity(scenes)[agent],
            paths.action[:, before],
            torch.arange(steps, device=agent.device),
            placed,
        )
        # At the current step all agents are there, also those that the log did not see before it.
        there = paths.valid[:, before].clone()
        there[:, 0] = True
        seen = steps_seen(slots.put(there).transpose(1, 2), alone=self.unseen == "neighbours")
        # Slots of nothing see something, since an attention to nothing is not defined.
        seen = seen | ~seen.any(dim=-1, keepdim=True)
        x = slots.put(rows).transpose(1, 2).flatten(1, 2)
        memory = self.decoder.read(self.encoder(scenes, self.unseen))
        own = _places_of_agents(scenes)[agent]
        features, _ = self.decoder(x, seen, memory, self._of_scene(memory, slots, own, placed))
        return self._distribution(
            slots.take(features.unflatten(1, (steps, -1)).transpose(1, 2)), with_value=True
        )

    # ---- simulation: one step at a time ------------------------------------------------------------

    def begin(self, scenes: SceneBatch) -> tuple["Decoding", Categorical]:
        """Encode the scenes once and decode the first step."""
        past = self.history_paths(scenes, Worlds.of(scenes, 1))
        slots = Slots.of(scenes.agent_scene, past.world, scenes.scenes)
        state = Decoding(
            memory=self.decoder.read(self.encoder(scenes, self.unseen)),
            slots=slots,
            own=slots.place,
            scene=scenes.agent_scene,
            axis=scenes.agent_axis,
            identity=self.inputs.identity(scenes),
            kept=None,
            steps=0,
        )
        return self._decoded(state, past.action[:, -1], past.pose[:, -1], past.velocity[:, -1])

    def branch(
        self, state: "Decoding", distribution: Categorical, paths: Paths
    ) -> tuple["Decoding", Categorical]:
        """All worlds of a scene read one encoding of it; what their agents did so far is copied."""
        return state.rows(paths.agent, paths.world), distribution.rows(paths.agent)

    def observe(
        self, state: "Decoding", action: Int64[Tensor, "N"], agents: AgentState
    ) -> tuple["Decoding", Categorical]:
        """Decode one more step of all worlds."""
        return self._decoded(state, action, agents.pose, agents.velocity)

    def _decoded(
        self,
        state: "Decoding",
        action: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        velocity: Float[Tensor, "N 2"],
    ) -> tuple["Decoding", Categorical]:
        slots, step = state.slots, torch.tensor([state.steps], device=action.device)
        placed = Placed(pose[:, None], velocity[:, None], state.axis[:, None])
        rows = self.inputs(state.identity, action[:, None], step, placed)
        seen = slots.present.repeat(1, state.steps + 1)[:, None]
        if self.unseen == "neighbours":
            itself = torch.eye(slots.agents, dtype=torch.bool, device=action.device)
            seen = seen & itself.repeat(1, state.steps + 1)
            seen = seen | ~seen.any(dim=-1, keepdim=True)
        features, kept = self.decoder(
            slots.put(rows[:, 0]), seen, state.memory,
            self._of_scene(state.memory, slots, state.own, placed), state.kept,
        )  # fmt: skip
        state = replace(state, kept=kept, steps=state.steps + 1)
        return state, self._distribution(slots.take(features))

    # ---- shared by both ----------------------------------------------------------------------------

    def _of_scene(
        self, memory: SceneMemory, slots: Slots, own: Int64[Tensor, "N"], placed: Placed
    ) -> Bool[Tensor, "S 1 #Q K"] | Float[Tensor, "S H Q K"]:
        """What each slot sees of its scene; where geometry is given, also how near it is."""
        at = slots.put(placed.pose[..., :2]).transpose(1, 2)
        seen = memory.seen()
        if self.unseen == "neighbours":
            owns = slots.put(own)[:, None].expand(at.shape[:3])
            seen = memory.seen_alone(owns.reshape(slots.scenes, -1))
        if self.settings.geometry == "learned":
            return seen[:, None]
        away = memory.encoded.distance(at.reshape(slots.scenes, -1, 2))
        return nearer_the_more(seen[:, None], away, self.settings.heads)

    def _distribution(
        self, features: Float[Tensor, "*N D"], with_value: bool = False
    ) -> Categorical:
        value = None
        if with_value and self.value_head is not None:
            value = self.value_head(features.flatten(0, -2)).view(features.shape[:-1])
        return Categorical(self.head(features).float(), value)


def _places_of_agents(scenes: SceneBatch) -> Int64[Tensor, "A"]:
    """Of each agent among those of its scene."""
    return Slots.of(scenes.agent_scene, scenes.agent_scene, scenes.scenes).place


@dataclass(frozen=True)
class Decoding:
    """A simulation of N rows after some steps. The memory of the scene is shared by its worlds."""

    memory: SceneMemory
    slots: Slots
    own: Int64[Tensor, "N"]
    """place of each row's agent among the sources of its scene"""
    scene: Int64[Tensor, "N"]
    axis: Float[Tensor, "N"]
    """heading of the scene's own x axis"""
    identity: Float[Tensor, "N D"]
    kept: list[Float[Tensor, "W E V"]] | None
    """keys and values of every layer, of all slots step by step"""
    steps: int

    def rows(self, which: Int64[Tensor, "n"], world: Int64[Tensor, "n"]) -> "Decoding":
        """Some rows, perhaps several times, in worlds of their own."""
        scene = self.scene[which]
        slots = Slots.of(scene, world, self.slots.scenes)

        def moved(kept: Tensor) -> Tensor:
            by_agent = kept.unflatten(1, (self.steps, -1)).transpose(1, 2)
            return slots.put(self.slots.take(by_agent)[which]).transpose(1, 2).flatten(1, 2)

        return replace(
            self,
            slots=slots,
            own=self.own[which],
            scene=scene,
            axis=self.axis[which],
            identity=self.identity[which],
            kept=[moved(kept) for kept in self.kept],
        )
