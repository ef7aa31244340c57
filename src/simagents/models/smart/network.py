"""SMART: next-token prediction for traffic (Wu et al. 2024, arXiv:2405.15677), sized by CAT-K."""

import copy
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from simagents.config.models import Smart as SmartSettings
from simagents.models.distribution import Categorical
from simagents.models.paths import AgentState, Paths, Worlds
from simagents.models.perceptrons import mlp_embedding, mlp_head
from simagents.models.policy import Input
from simagents.models.scenes import SceneBatch
from simagents.models.smart.attention import RelationAttention, folded
from simagents.models.smart.classes import by_class
from simagents.models.smart.fourier import FourierEmbedding
from simagents.models.smart.goals import GoalCoordinates, GoalMark, goal_pieces
from simagents.models.smart.head import ClassHeads
from simagents.models.smart.map_encoder import MapEncoder
from simagents.models.smart.memory import MapMemory, Recent
from simagents.models.smart.neighbours import CellIndex
from simagents.models.smart.relations import relation_features
from simagents.models.smart.sight import Sight
from simagents.models.smart.state import Layers, SmartState
from simagents.models.smart.token_policy import TokenPolicy
from simagents.scenarios.agent_class import CLASSES
from simagents.tokens.vocabulary import HISTORY_TOKENS, Vocabulary


class Smart(nn.Module, TokenPolicy):
    """The `Policy` of SMART. Equal in function to CAT-K's `smart.yaml`, with other names of parts.

    Map pieces attend to one another once per scene. Every (agent, step) is a node: its token,
    motion, class and size are embedded, then in each layer it attends to its own past, to the map,
    and to the other agents of its world at the same step. One head serves the three classes unless
    the configuration gives each its own.
    """

    def __init__(self, config: SmartSettings, vocabulary: Vocabulary):
        super().__init__()
        self.config = config
        TokenPolicy.__init__(self, vocabulary)
        width = config.width

        def layers(bipartite: bool) -> nn.ModuleList:
            return nn.ModuleList(
                RelationAttention(**config.attention, bipartite=bipartite)
                for _ in range(config.agent_layers)
            )

        def fourier(scalars: int) -> FourierEmbedding:
            return FourierEmbedding(scalars, width, config.bands, config.frequency_deviation)

        self.map_encoder = MapEncoder(config)
        self.agent_token = nn.ModuleList(mlp_embedding(8, width) for _ in CLASSES)
        self.agent_motion = fourier(2)
        self.agent_class = nn.Embedding(len(CLASSES), width)
        self.agent_size = mlp_head(3, width, width)
        self.fusion = mlp_embedding(2 * width, width)
        self.time_relation = fourier(4)
        self.map_agent_relation = fourier(3)
        self.agent_relation = fourier(3)
        self.time_layers = layers(bipartite=False)
        self.map_agent_layers = layers(bipartite=True)
        self.agent_layers = layers(bipartite=False)
        self.head = (
            mlp_head(width, width, vocabulary.size)
            if config.head == "shared"
            else ClassHeads(width, vocabulary)
        )
        self.apply(_initialise)
        # Last, and without random numbers: the weights of models with and without goals are equal.
        self.goal_coordinates = GoalCoordinates(width) if config.goals == "concatenation" else None
        self.goal_mark = GoalMark(width) if config.goals == "indication" else None
        self.feature_width = width
        self.value_head: nn.Module | None = None
        self.unseen: Input | None = None

    @property
    def fine_tuned(self) -> list[nn.Module]:
        """The parts that CAT-K fine-tunes, all agent attention and the head, and what reads goals."""
        goals = [part for part in (self.goal_coordinates, self.goal_mark) if part is not None]
        return [self.time_layers, self.map_agent_layers, self.agent_layers, self.head, *goals]

    @property
    def added(self) -> frozenset[str]:
        """Names of weights that start at zero, so that a parent without them is the same model."""
        return frozenset(name for name in self.state_dict() if name.startswith("goal_"))

    def without(self, part: Input) -> "Smart":
        """Shares the weights; no agent has relations to that part."""
        blind = copy.copy(self)
        blind.unseen = part
        return blind

    # ---- training: all steps at once ----------------------------------------------------------

    def forward(self, scenes: SceneBatch, paths: Paths) -> Categorical:
        """Distributions of tokens 2 to T - 1, [N, T - 2, V]; rows of invalid nodes are undefined."""
        seen = paths.until(paths.action.shape[1] - 1)
        n, steps = seen.action.shape
        node = torch.nonzero(seen.valid.flatten()).squeeze(-1)
        agent, step = node // steps, node % steps
        pose = seen.pose.flatten(0, 1)[node]
        world = seen.world[agent]
        row = seen.agent[agent]
        scene = scenes.agent_scene[row]
        origin = scenes.origin[scenes.agent_scene[seen.agent]]
        whole = seen.valid[:, 1:] & seen.valid[:, :-1]
        moved = self._moved(seen.pose[:, :-1], seen.pose[:, 1:], whole, origin[:, None])
        motion = torch.cat([torch.zeros_like(seen.pose[:, :1, :2]), moved], dim=1)
        kind = scenes.agent_class[row]
        x = self._embed(
            seen.action.flatten()[node], motion.flatten(0, 1)[node], pose,
            kind, by_class(kind), self._of_agents(scenes)[row],
        )  # fmt: skip
        goal, pieces = self._goals(scenes)
        x = self._towards(x, pose, None if goal is None else goal[row])

        layers = self._layers()
        map_memory = self.encode_map(scenes, layers)
        sight = self._sight()
        time = sight.pasts(seen, node, step, self.config.history_drop if self.training else 0.0)
        on_map = sight.on_map(pose, scene, map_memory, None if pieces is None else pieces[row])
        among = sight.among(pose, world * steps + step)
        for (in_time, to_map, to_agents), on in zip(layers, map_memory.layers, strict=True):
            past = in_time.read(x)
            x = in_time(x, past, past.memory, time)
            x = to_map(x, to_map.read(x), on, on_map)
            now = to_agents.read(x)
            x = to_agents(x, now, now.memory, among)

        predicts = torch.nonzero(step >= HISTORY_TOKENS - 1).squeeze(-1)
        place = agent[predicts], step[predicts] - HISTORY_TOKENS + 1

        def spread(rows: Tensor) -> Tensor:
            out = rows.new_zeros(n, steps - HISTORY_TOKENS + 1, *rows.shape[1:])
            return out.index_put(place, rows)

        x, kind = x.index_select(0, predicts), kind[predicts]
        logits = spread(self._logits(x, kind, self.actions.vocabulary.absent[kind]))
        value = spread(self.value_head(x)) if self.value_head is not None else None
        return Categorical(logits, value)

    # ---- simulation: one step at a time -------------------------------------------------------

    def begin(self, scenes: SceneBatch) -> tuple[SmartState, Categorical]:
        """Encode map and history once; all rollouts of a scene share them."""
        paths = self.history_paths(scenes, Worlds.of(scenes, 1))
        state = self._start(scenes, paths)
        for step in range(HISTORY_TOKENS):
            state, distribution = self._advance(
                state, paths.action[:, step], paths.pose[:, step], paths.valid[:, step]
            )
        return state, distribution

    def _start(self, scenes: SceneBatch, paths: Paths) -> SmartState:
        """Before the first node of every row."""
        goal, pieces = self._goals(scenes)
        kind = scenes.agent_class[paths.agent]
        layers = self._layers()
        return SmartState(
            map=self.encode_map(scenes, layers),
            layers=layers,
            agent_class=kind,
            rows_of_class=by_class(kind),
            of_agent=self._of_agents(scenes)[paths.agent],
            absent=self.actions.vocabulary.absent[kind],
            scene=scenes.agent_scene[paths.agent],
            world=paths.world,
            origin=scenes.origin[scenes.agent_scene[paths.agent]],
            recent=Recent.empty(paths.pose, self.config.past_steps),
            sight=self._sight(),
            goal=None if goal is None else goal[paths.agent],
            goal_pieces=None if pieces is None else pieces[paths.agent],
        )

    def branch(
        self, state: SmartState, distribution: Categorical, paths: Paths
    ) -> tuple[SmartState, Categorical]:
        """Repeats rows of the state: the history is computed once for all worlds of a scene."""
        rows_of_class = by_class(state.agent_class.index_select(0, paths.agent))
        return state.rows(paths, rows_of_class), distribution.rows(paths.agent)

    def observe(
        self, state: SmartState, action: Int64[Tensor, "N"], agents: AgentState
    ) -> tuple[SmartState, Categorical]:
        """Advance every agent by one node."""
        everywhere = torch.ones(len(action), dtype=torch.bool, device=action.device)
        return self._advance(state, action, agents.pose, everywhere)

    def _advance(
        self,
        state: SmartState,
        token: Int64[Tensor, "N"],
        pose: Float[Tensor, "N 3"],
        valid: Bool[Tensor, "N"],
    ) -> tuple[SmartState, Categorical]:
        """One node of every agent; only the new step's edges are computed."""
        recent = state.recent
        moved = torch.zeros_like(pose[:, :2])
        if recent.steps:
            before, was_valid = recent.last
            moved = self._moved(before, pose, valid & was_valid, state.origin)
        x = self._embed(token, moved, pose, state.agent_class, state.rows_of_class, state.of_agent)
        x = self._towards(x, pose, state.goal)
        time = state.sight.past(recent, pose, valid)
        on_map = state.sight.on_map(pose, state.scene, state.map, state.goal_pieces)
        # An agent that is not valid yet is computed, but no agent attends to it: group -1.
        group = torch.where(valid, state.world, -1)
        among = state.sight.among(pose, group)
        own = []
        for number, ((in_time, to_map, to_agents), on) in enumerate(
            zip(state.layers, state.map.layers, strict=True)
        ):
            past = in_time.read(x)
            own.append(past.memory)
            x = in_time(x, past, recent.memory(number), time)
            x = to_map(x, to_map.read(x), on, on_map)
            now = to_agents.read(x)
            x = to_agents(x, now, now.memory, among)
        state = replace(state, recent=recent.after(pose, valid, own))
        return state, Categorical(self._logits(x, state.agent_class, state.absent))

    # ---- shared by both ------------------------------------------------------------------------

    def _sight(self) -> Sight:
        relations = self.time_relation, self.map_agent_relation, self.agent_relation
        return Sight.of(self.config, *relations, self.goal_mark, self.unseen)

    def encode_map(self, scenes: SceneBatch, layers: Layers) -> MapMemory:
        """Map pieces after their layers, as keys and values for the agents."""
        tokens = scenes.representation
        x = self.map_encoder(tokens, self.actions.vocabulary.map)
        memories = [to_map.memory(x) for _, to_map, _ in layers]
        at, radius = tokens.map_pose[:, :2], self.config.map_to_agent_radius
        index = CellIndex.of(at, tokens.map_scene, radius)
        return MapMemory(tokens.map_pose, index, memories)

    def _moved(
        self,
        before: Float[Tensor, "*N 3"],
        pose: Float[Tensor, "*N 3"],
        whole: Bool[Tensor, "*N"],
        origin: Float64[Tensor, "*#N 2"],
    ) -> Float[Tensor, "*N 2"]:
        """How far (m) each agent has come with its token, along x and y; `whole`: both poses are valid.

        Where the pose before is not, the agent has not moved, or, with `late_motion: world_position`,
        it has come from the origin of the world frame: CAT-K's invalid poses are zeros there. That
        position is in double precision, because it is multiplied by frequencies.
        """
        step = pose[..., :2] - before[..., :2]
        if self.config.late_motion == "none":
            return step * whole[..., None]
        return torch.where(whole[..., None], step.double(), pose[..., :2].double() + origin)

    def _layers(self) -> Layers:
        """The layers as they are computed: in time, to the map, among agents."""
        alike = folded([*self.time_layers, *self.agent_layers])
        in_time, among = alike[: len(self.time_layers)], alike[len(self.time_layers) :]
        return list(zip(in_time, folded(self.map_agent_layers), among, strict=True))

    def _of_agents(self, scenes: SceneBatch) -> Float[Tensor, "A width"]:
        """What the network knows of each agent at all times: class and size."""
        return self.agent_class(scenes.agent_class) + self.agent_size(scenes.agent_size)

    def _embed(
        self,
        token: Int64[Tensor, "N"],
        moved: Float[Tensor, "N 2"],
        pose: Float[Tensor, "N 3"],
        agent_class: Int64[Tensor, "N"],
        rows_of_class: tuple[Tensor, ...],
        of_agent: Float[Tensor, "N width"],
    ) -> Float[Tensor, "N width"]:
        """A node from its token's end box, its step length and direction, its class and size."""
        box = self.actions.vocabulary.end_box[agent_class, token].flatten(1)
        parts = [
            embedding(box.index_select(0, rows))
            for embedding, rows in zip(self.agent_token, rows_of_class, strict=True)
        ]
        embedded = torch.zeros(len(token), self.config.width, device=token.device)
        parts = torch.cat(parts).to(embedded.dtype)
        embedded = embedded.index_copy(0, torch.cat(rows_of_class), parts)
        origin = torch.cat([torch.zeros_like(moved), pose[:, 2:]], dim=-1)
        ahead = torch.cat([moved, pose[:, 2:]], dim=-1)
        motion = relation_features(origin, ahead)[:, :2].to(pose.dtype)
        return self.fusion(torch.cat([embedded, self.agent_motion(motion, of_agent)], dim=-1))

    def _goals(self, scenes: SceneBatch) -> tuple[Tensor | None, Tensor | None]:
        """What the model reads of every agent's goal: coordinates, or map pieces on the way to it."""
        if scenes.goal is None:
            return None, None
        goal = scenes.goal if self.goal_coordinates is not None else None
        marked = self.goal_mark is not None
        return goal, goal_pieces(scenes, self.actions.vocabulary.map) if marked else None

    def _towards(self, x: Tensor, pose: Tensor, goal: Tensor | None) -> Tensor:
        """Nodes with the coordinates of their goals."""
        return x if goal is None else x + self.goal_coordinates(goal, pose).to(x.dtype)

    def _logits(self, x: Tensor, agent_class: Tensor, absent: Tensor) -> Tensor:
        logits = self.head(x) if self.config.head == "shared" else self.head(x, agent_class)
        return torch.where(absent, -torch.inf, logits.float())


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
