"""SMART as it was published, edge by edge, under the names of CAT-K's checkpoints.

The tests compare the project's model with it, and `benchmarks/model.py` measures both. Written from
the papers, published sizes and measured facts. Every edge has its own key and value; relations are
embedded by their formula and normalised in every layer; neighbours are searched among all pairs; the
map is repeated for every step of a log, and its keys and values are computed again in every step of a
rollout; and rollouts are a loop, each of which encodes the map. Of a rollout's past only the inputs of
the temporal layers are kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn import functional

from plain.tokens import corners_of, poses_of, walked
from simagents.exchange.names import matches, repeated
from simagents.geometry import wrap_angle
from simagents.models.paths import Paths
from simagents.models.scenes import SceneBatch
from simagents.models.smart.network import Smart
from simagents.tokens.vocabulary import HISTORY_TOKENS, SUBSTEPS, TOKEN_STEPS

KINDS = ("veh", "ped", "cyc")


@dataclass
class Past:
    """What one rollout keeps: features of the map, and the agents' features at every step."""

    on_map: Tensor
    pose: list[Tensor]
    valid: list[Tensor]
    features: list[list[Tensor]]
    """per layer and step: the input of the temporal layer"""


class PlainSmart:
    """The published network; `weights` is called for the tensors before every pass."""

    def __init__(
        self,
        weights: Callable[[], dict[str, Tensor]],
        decoder: dict[str, float],
        corners: Tensor,
        pieces: Tensor,
        neighbours: int = 100,
        late_motion: str = "world_position",
    ):
        self.source, self.decoder, self.neighbours = weights, decoder, neighbours
        self.late_motion = late_motion
        self.corners, self.motion, self.pieces = corners, poses_of(corners), pieces
        self.training = False

    @classmethod
    def of(cls, policy: Smart) -> "PlainSmart":
        """Reads the policy's own parameters, so that gradients arrive there."""
        config, vocabulary = policy.config, policy.actions.vocabulary
        decoder = {
            "num_heads": config.heads, "time_span": config.past_steps * SUBSTEPS,
            "pl2pl_radius": config.map_radius, "pl2a_radius": config.map_to_agent_radius,
            "a2a_radius": config.agent_radius, "dropout": config.dropout,
            "hist_drop_prob": config.history_drop,
        }  # fmt: skip
        plain = cls(
            lambda: weights_of(policy), decoder, corners_of(vocabulary), vocabulary.map,
            config.map_neighbours, config.late_motion,
        )  # fmt: skip
        plain.motion = vocabulary.motion  # exact, because a step of 1e-7 m has a bearing, too
        return plain

    # ---- a whole log at once ------------------------------------------------------------------------

    def logits(self, scenes: SceneBatch, paths: Paths) -> tuple[Tensor, Tensor, Tensor]:
        """Of every valid node in steps 1 to T - 2, and the agent and the step that each belongs to."""
        self.state = self.source()
        valid = paths.valid[:, :-1]
        agent, step = torch.nonzero(valid, as_tuple=True)
        at = paths.pose[agent, step]
        before = (step - 1).clamp(min=0)
        row = paths.agent[agent]
        moved = self.moved(scenes, row, at, paths.pose[agent, before], valid[agent, before])
        moved = moved * (step > 0)[:, None]
        x = self.nodes(scenes, row, paths.action[agent, step], moved, at)

        back = step[:, None] - step
        seen = (agent[:, None] == agent) & (back > 0) & (back <= self.past_steps)
        if self.training:
            kept = torch.rand(len(x), device=x.device) >= self.decoder["hist_drop_prob"]
            seen &= kept[:, None] & kept
        in_time = torch.nonzero(seen, as_tuple=True)
        in_time_r = self.time_relations(at, at, in_time, back[in_time])

        steps, pieces = valid.shape[1], scenes.representation.map_pose
        map_step = torch.arange(steps, device=x.device).repeat_interleave(len(pieces))
        map_pose, map_scene = pieces.repeat(steps, 1), scenes.representation.map_scene.repeat(steps)
        on_map = self.encode_map(scenes).repeat(steps, 1)
        to_map = []
        for t in range(steps):  # all pairs of one step at a time
            nodes = torch.nonzero(step == t).squeeze(-1)
            on_map_now = torch.nonzero(map_step == t).squeeze(-1)
            same = scenes.agent_scene[row[nodes]][:, None] == map_scene[on_map_now]
            target, source = self.near(at[nodes], map_pose[on_map_now], same, "pl2a_radius")
            to_map.append((nodes[target], on_map_now[source]))
        to_map = tuple(torch.cat(ends) for ends in zip(*to_map, strict=True))
        to_map_r = self.fourier("agent_encoder.r_pt2a_emb", lie(at, map_pose, to_map))

        world = paths.world[agent]
        together = (world[:, None] == world) & (step[:, None] == step) & (agent[:, None] != agent)
        among = self.near(at, at, together, "a2a_radius")
        among_r = self.fourier("agent_encoder.r_a2a_emb", lie(at, at, among))
        for layer in range(self.count("agent_encoder.t_attn_layers")):
            x = self.layer("t", layer, x, x, in_time, in_time_r)
            x = self.layer("pt2a", layer, x, on_map, to_map, to_map_r)
            x = self.layer("a2a", layer, x, x, among, among_r)
        predicts = step >= HISTORY_TOKENS - 1
        logits = self.head("agent_encoder.token_predict_head", x[predicts])
        return logits, agent[predicts], step[predicts] - HISTORY_TOKENS + 1

    # ---- one rollout, step by step ------------------------------------------------------------------

    def begin(self, scenes: SceneBatch) -> Past:
        self.state = self.source()
        layers = range(self.count("agent_encoder.t_attn_layers"))
        return Past(self.encode_map(scenes), [], [], [[] for _ in layers])

    def observe(
        self,
        past: Past,
        scenes: SceneBatch,
        paths: Paths,
        token: Tensor,
        pose: Tensor,
        valid: Tensor,
    ) -> Tensor:
        """Logits after one more step. `paths` has agents and worlds, `past` what happened so far."""
        moved = torch.zeros_like(pose)
        if past.pose:
            moved = self.moved(scenes, paths.agent, pose, past.pose[-1], past.valid[-1])
        x = self.nodes(scenes, paths.agent, token, moved, pose)
        n, steps = len(pose), len(past.pose)
        there = torch.stack([*past.valid, valid])[:-1] & valid
        step, target = torch.nonzero(there, as_tuple=True)
        in_time = target, step * n + target
        at = torch.cat([*past.pose, pose])
        in_time_r = self.time_relations(pose, at, in_time, steps - step)
        pieces = scenes.representation.map_pose
        same = scenes.agent_scene[paths.agent][:, None] == scenes.representation.map_scene
        to_map = self.near(pose, pieces, same, "pl2a_radius")
        to_map_r = self.fourier("agent_encoder.r_pt2a_emb", lie(pose, pieces, to_map))
        together = (paths.world[:, None] == paths.world) & valid[:, None] & valid
        together &= ~torch.eye(n, dtype=torch.bool, device=pose.device)
        among = self.near(pose, pose, together, "a2a_radius")
        among_r = self.fourier("agent_encoder.r_a2a_emb", lie(pose, pose, among))
        window = slice(-self.past_steps, None)
        for layer, remembered in enumerate(past.features):
            sources = torch.cat([*remembered, x])
            past.features[layer] = [*remembered, x][window]
            x = self.layer("t", layer, x, sources, in_time, in_time_r)
            x = self.layer("pt2a", layer, x, past.on_map, to_map, to_map_r)
            x = self.layer("a2a", layer, x, x, among, among_r)
        past.pose = [*past.pose, pose][window]
        past.valid = [*past.valid, valid][window]
        return self.head("agent_encoder.token_predict_head", x)

    def roll_out(
        self, scenes: SceneBatch, history: Paths, choose: Callable[[Tensor, int, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One rollout of every scene: logits [N, 16, V], tokens [N, 16] and poses [N, 80, 3].

        `choose` gets logits, step and poses. Gradients flow through the kept features, and not
        through the agents' poses.
        """
        past = self.begin(scenes)
        for step in range(HISTORY_TOKENS):
            token, pose = history.action[:, step], history.pose[:, step]
            output = self.observe(past, scenes, history, token, pose, history.valid[:, step])
        everywhere = torch.ones_like(history.valid[:, 0])
        kind = scenes.agent_class[history.agent]
        logits, tokens, poses = [], [], []
        for step in range(HISTORY_TOKENS, TOKEN_STEPS):
            token = choose(output.detach(), step, pose)
            fine = walked(self.motion[kind, token, 1:], pose)
            logits.append(output)
            tokens.append(token)
            poses.append(fine)
            pose = fine[:, -1]
            if step + 1 < TOKEN_STEPS:
                output = self.observe(past, scenes, history, token, pose, everywhere)
        return torch.stack(logits, dim=1), torch.stack(tokens, dim=1), torch.cat(poses, dim=1)

    # ---- parts --------------------------------------------------------------------------------------

    @property
    def past_steps(self) -> int:
        return int(self.decoder["time_span"] / SUBSTEPS)

    def count(self, layers: str) -> int:
        return len({n.split(".")[2] for n in self.state if n.startswith(f"{layers}.")})

    def linear(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self.state[f"{name}.weight"], self.state.get(f"{name}.bias"))

    def norm(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.layer_norm(x, x.shape[-1:], weight, bias)

    def embedding(self, name: str, x: Tensor) -> Tensor:
        x = self.linear(f"{name}.mlp.0", x)
        x = self.linear(f"{name}.mlp.3", self.norm(f"{name}.mlp.1", x).relu())
        return self.linear(f"{name}.mlp.6", self.norm(f"{name}.mlp.4", x).relu())

    def head(self, name: str, x: Tensor) -> Tensor:
        x = self.linear(f"{name}.mlp.0", x)
        return self.linear(f"{name}.mlp.3", self.norm(f"{name}.mlp.1", x).relu())

    def fourier(self, name: str, x: Tensor, extra: Tensor | float = 0.0) -> Tensor:
        total = extra
        for branch in range(x.shape[1]):
            one = x[:, branch, None]
            phase = 2 * pi * one * self.state[f"{name}.freqs.weight"][branch]
            features = torch.cat([phase.cos(), phase.sin(), one], dim=-1)
            hidden = self.linear(f"{name}.mlps.{branch}.0", features)
            hidden = self.norm(f"{name}.mlps.{branch}.1", hidden).relu()
            total = total + self.linear(f"{name}.mlps.{branch}.3", hidden)
        return self.linear(f"{name}.to_out.2", self.norm(f"{name}.to_out.0", total).relu())

    def layer(self, kind: str, number: int, *rest) -> Tensor:
        return self.attention(f"agent_encoder.{kind}_attn_layers.{number}", *rest)

    def attention(
        self, name: str, x: Tensor, sources: Tensor, edges: tuple[Tensor, Tensor], r: Tensor
    ) -> Tensor:
        """`edges` are (target, source); every edge has a key and a value of its own."""
        heads = self.decoder["num_heads"]
        target, source = edges
        at = self.norm(f"{name}.attn_prenorm_x_src", sources)
        to = self.norm(f"{name}.attn_prenorm_x_dst", x)
        r = self.norm(f"{name}.attn_prenorm_r", r)
        query = self.linear(f"{name}.to_q", to)[target]
        key = self.linear(f"{name}.to_k", at)[source] + self.linear(f"{name}.to_k_r", r)
        value = self.linear(f"{name}.to_v", at)[source] + self.linear(f"{name}.to_v_r", r)
        size = query.shape[-1] // heads
        score = (query * key).view(-1, heads, size).sum(dim=-1) * size**-0.5
        weight = self.dropout(softmax_of_targets(score, target, len(x)))
        weighted = (weight[..., None] * value.view(-1, heads, size)).flatten(1)
        gathered = weighted.new_zeros(len(x), heads * size).index_add(0, target, weighted)
        gate = torch.sigmoid(self.linear(f"{name}.to_g", torch.cat([gathered, to], dim=-1)))
        mixed = gathered + gate * (self.linear(f"{name}.to_s", to) - gathered)
        x = x + self.norm(f"{name}.attn_postnorm", self.linear(f"{name}.to_out", mixed))
        hidden = self.linear(f"{name}.ff_mlp.0", self.norm(f"{name}.ff_prenorm", x)).relu()
        hidden = self.linear(f"{name}.ff_mlp.3", self.dropout(hidden))
        return x + self.norm(f"{name}.ff_postnorm", hidden)

    def dropout(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.decoder["dropout"], self.training)

    def encode_map(self, scenes: SceneBatch) -> Tensor:
        tokens = scenes.representation
        x = self.embedding("map_encoder.token_emb", self.pieces[tokens.map_token].flatten(1))
        for kind, name in enumerate(("type_pt", "polygon_type", "light_pl")):
            x = x + self.state[f"map_encoder.{name}_emb.weight"][tokens.map_type[:, kind]]
        pose = tokens.map_pose
        same = tokens.map_scene[:, None] == tokens.map_scene
        same = same & ~torch.eye(len(pose), dtype=torch.bool, device=pose.device)
        edges = self.near(pose, pose, same, "pl2pl_radius", self.neighbours)
        r = self.fourier("map_encoder.r_pt2pt_emb", lie(pose, pose, edges))
        for layer in range(self.count("map_encoder.pt2pt_layers")):
            x = self.attention(f"map_encoder.pt2pt_layers.{layer}", x, x, edges, r)
        return x

    def nodes(
        self, scenes: SceneBatch, row: Tensor, token: Tensor, moved: Tensor, pose: Tensor
    ) -> Tensor:
        """An agent at a step, from its token's end box, its last step, its class and its size."""
        kind = scenes.agent_class[row]
        box = self.corners[kind, token, -1].flatten(1)
        of_token = [self.embedding(f"agent_encoder.token_emb_{name}", box) for name in KINDS]
        of_token = torch.stack(of_token)[kind, torch.arange(len(box), device=box.device)]
        length = moved[:, :2].norm(dim=-1)
        turn = wrap_angle(torch.atan2(moved[:, 1], moved[:, 0]) - pose[:, 2])
        motion = torch.stack([length, torch.where(length > 0, turn, 0.0)], dim=-1).to(pose.dtype)
        of_agent = self.state["agent_encoder.type_a_emb.weight"][kind]
        of_agent = of_agent + self.head("agent_encoder.shape_emb", scenes.agent_size[row])
        of_motion = self.fourier("agent_encoder.x_a_emb", motion, of_agent)
        return self.embedding("agent_encoder.fusion_emb", torch.cat([of_token, of_motion], dim=-1))

    def moved(
        self, scenes: SceneBatch, row: Tensor, pose: Tensor, before: Tensor, seen: Tensor
    ) -> Tensor:
        """Of valid poses: from the pose before, in the world frame, where one that was not seen is 0."""
        if self.late_motion == "none":
            return (pose - before)[:, :2] * seen[:, None]
        origin = scenes.origin[scenes.agent_scene[row]]
        return pose[:, :2] + origin - (before[:, :2] + origin) * seen[:, None]

    def time_relations(
        self, target: Tensor, source: Tensor, edges: tuple[Tensor, Tensor], back: Tensor
    ) -> Tensor:
        features = lie(target, source, edges)
        features = torch.cat([features, -back[:, None].to(features.dtype)], dim=-1)
        return self.fourier("agent_encoder.r_t_emb", features)

    def near(
        self,
        target: Tensor,
        source: Tensor,
        allowed: Tensor,
        radius: str,
        most: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """All allowed pairs closer than the radius; of each target's the nearest `most`."""
        distance = (target[:, None, :2] - source[None, :, :2]).norm(dim=-1)
        close = allowed & (distance < self.decoder[radius])
        if most is not None and len(close) and int(close.sum(dim=1).max()) > most:
            rank = distance.masked_fill(~close, torch.inf).argsort(dim=1).argsort(dim=1)
            close &= rank < most
        return torch.nonzero(close, as_tuple=True)


def weights_of(policy: Smart) -> dict[str, Tensor]:
    """The policy's parameters under CAT-K's names; gradients flow back to them."""
    parameters, layers = dict(policy.named_parameters()), policy.config
    state = {}
    for match in matches(layers.map_layers, layers.agent_layers):
        state |= dict(zip(match.catk_names, match.part(parameters[match.name]), strict=True))
    for copy, original in repeated(layers.map_layers, layers.agent_layers):
        state[copy] = state[original]
    return state


def softmax_of_targets(score: Tensor, target: Tensor, targets: int) -> Tensor:
    """Over the edges of every target. Scores [E, H]."""
    score = score.float() if score.dtype == torch.bfloat16 else score
    where = target[:, None].expand_as(score)
    top = score.new_full((targets, score.shape[1]), -torch.inf)
    top = top.scatter_reduce(0, where, score.detach(), "amax")
    share = (score - top[target]).exp()
    return share / score.new_zeros(top.shape).index_add(0, target, share)[target]


def lie(target: Tensor, source: Tensor, edges: tuple[Tensor, Tensor]) -> Tensor:
    """Distance, bearing and difference of heading of the source as seen from the target."""
    there, here = source[edges[1]], target[edges[0]]
    offset = there[:, :2] - here[:, :2]
    bearing = wrap_angle(torch.atan2(offset[:, 1], offset[:, 0]) - here[:, 2])
    distance = offset.norm(dim=-1)
    bearing = torch.where(distance > 0, bearing, 0.0)
    return torch.stack([distance, bearing, wrap_angle(there[:, 2] - here[:, 2])], dim=-1)
