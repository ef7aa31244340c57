"""An imported checkpoint is the function it was, and what does not fit is named."""

import json
from dataclasses import replace
from math import pi

import pandas as pd
import pytest
import torch
from torch.nn.functional import layer_norm

from simagents.errors import InputError
from simagents.evaluation import evaluate
from simagents.exchange import export_catk
from simagents.exchange.import_catk import Args, main
from simagents.exchange.inert import read_checkpoint, read_pickle
from simagents.exchange.tokens import corners_of
from simagents.geometry import wrap_angle
from simagents.models.batch import logged_paths
from simagents.models.build import build_policy
from simagents.recipe import Recipe
from simagents.scenarios.store import write_scenarios
from simagents.tokens import tokenize
from simagents.tokens.vocabulary import Vocabulary


def bring(catk):
    main(Args(catk.checkpoint, catk.agent, catk.map, catk.out))
    recipe = Recipe.read(catk.out / "recipe.json")
    vocabulary = Vocabulary.read(catk.out / "vocabulary.safetensors")
    return build_policy(recipe, vocabulary, catk.out / "model.safetensors").eval()


# ---- SMART as CAT-K prints it, edge by edge, under its names ----------------------------------------


class Plain:
    """The published network as plainly as it can be written: no folding, no stacking, no caches."""

    def __init__(self, state, decoder, corners, pieces):
        self.state, self.decoder, self.corners, self.pieces = state, decoder, corners, pieces

    def linear(self, name, x):
        out = x @ self.state[f"{name}.weight"].T
        return out + self.state[f"{name}.bias"] if f"{name}.bias" in self.state else out

    def norm(self, name, x):
        return layer_norm(x, x.shape[-1:], self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def embedding(self, name, x):
        x = self.linear(f"{name}.mlp.0", x)
        x = self.linear(f"{name}.mlp.3", self.norm(f"{name}.mlp.1", x).relu())
        return self.linear(f"{name}.mlp.6", self.norm(f"{name}.mlp.4", x).relu())

    def head(self, name, x):
        x = self.linear(f"{name}.mlp.0", x)
        return self.linear(f"{name}.mlp.3", self.norm(f"{name}.mlp.1", x).relu())

    def fourier(self, name, x, extra=0.0):
        total = extra
        for branch in range(x.shape[1]):
            one = x[:, branch, None]
            phase = 2 * pi * one * self.state[f"{name}.freqs.weight"][branch]
            hidden = self.linear(
                f"{name}.mlps.{branch}.0", torch.cat([phase.cos(), phase.sin(), one], dim=-1)
            )
            hidden = self.norm(f"{name}.mlps.{branch}.1", hidden).relu()
            total = total + self.linear(f"{name}.mlps.{branch}.3", hidden)
        return self.linear(f"{name}.to_out.2", self.norm(f"{name}.to_out.0", total).relu())

    def attention(self, name, x, sources, edges, r):
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
        gathered = torch.zeros(len(x), heads * size)
        for node in target.unique():
            mine = target == node
            weight = score[mine].softmax(dim=0)[..., None]
            gathered[node] = (weight * value[mine].view(-1, heads, size)).sum(dim=0).flatten()
        gate = torch.sigmoid(self.linear(f"{name}.to_g", torch.cat([gathered, to], dim=-1)))
        mixed = gathered + gate * (self.linear(f"{name}.to_s", to) - gathered)
        x = x + self.norm(f"{name}.attn_postnorm", self.linear(f"{name}.to_out", mixed))
        hidden = self.linear(f"{name}.ff_mlp.0", self.norm(f"{name}.ff_prenorm", x)).relu()
        return x + self.norm(f"{name}.ff_postnorm", self.linear(f"{name}.ff_mlp.3", hidden))

    def logits(self, scenes, paths):
        """Of every valid node of a log in steps 1 to 16, and which nodes these are."""
        maps, agents = "map_encoder", "agent_encoder"
        pose = scenes.map_pose
        x = self.embedding(f"{maps}.token_emb", self.pieces[scenes.map_token].flatten(1))
        for kind, name in enumerate(("type_pt", "polygon_type", "light_pl")):
            x = x + self.state[f"{maps}.{name}_emb.weight"][scenes.map_type[:, kind]]
        same = scenes.map_scene[:, None] == scenes.map_scene
        edges = self.near(pose, pose, same & ~torch.eye(len(pose)).bool(), "pl2pl_radius")
        r = self.fourier(f"{maps}.r_pt2pt_emb", lie(pose, pose, edges))
        for layer in range(1):
            x = self.attention(f"{maps}.pt2pt_layers.{layer}", x, x, edges, r)
        on_map = x

        valid = paths.valid[:, :-1]
        agent, step = torch.nonzero(valid, as_tuple=True)
        at = paths.pose[agent, step]
        kind = scenes.agent_class[agent]
        box = self.corners[kind, paths.token[agent, step], -1].flatten(1)
        token = torch.zeros(len(agent), x.shape[1])
        for number, name in enumerate(("veh", "ped", "cyc")):
            mine = kind == number
            token[mine] = self.embedding(f"{agents}.token_emb_{name}", box[mine])
        before = paths.pose[agent, (step - 1).clamp(min=0)]
        moved = (at - before) * (valid[agent, (step - 1).clamp(min=0)] & (step > 0))[:, None]
        turn = torch.atan2(moved[:, 1], moved[:, 0]) - at[:, 2]
        length = moved[:, :2].norm(dim=-1)
        motion = torch.stack([length, torch.where(length > 0, wrap_angle(turn), 0.0)], dim=-1)
        known = self.state[f"{agents}.type_a_emb.weight"][kind]
        known = known + self.head(f"{agents}.shape_emb", scenes.agent_size[agent])
        x = torch.cat([token, self.fourier(f"{agents}.x_a_emb", motion, known)], dim=-1)
        x = self.embedding(f"{agents}.fusion_emb", x)

        back = step[:, None] - step
        past = (agent[:, None] == agent) & (back > 0) & (back <= self.decoder["time_span"] / 5)
        in_time = torch.nonzero(past, as_tuple=True)
        steps = -back[in_time][:, None].float()
        in_time_r = self.fourier(
            f"{agents}.r_t_emb", torch.cat([lie(at, at, in_time), steps], dim=-1)
        )
        scene = scenes.agent_scene[agent]
        to_map = self.near(at, pose, scene[:, None] == scenes.map_scene, "pl2a_radius")
        to_map_r = self.fourier(f"{agents}.r_pt2a_emb", lie(at, pose, to_map))
        together = (scene[:, None] == scene) & (step[:, None] == step)
        among = self.near(at, at, together & (agent[:, None] != agent), "a2a_radius")
        among_r = self.fourier(f"{agents}.r_a2a_emb", lie(at, at, among))
        for layer in range(2):
            x = self.attention(f"{agents}.t_attn_layers.{layer}", x, x, in_time, in_time_r)
            x = self.attention(f"{agents}.pt2a_attn_layers.{layer}", x, on_map, to_map, to_map_r)
            x = self.attention(f"{agents}.a2a_attn_layers.{layer}", x, x, among, among_r)
        asked = step >= 1
        logits = self.head(f"{agents}.token_predict_head", x[asked])
        return logits, agent[asked], step[asked] - 1

    def near(self, target, source, allowed, radius):
        distance = (target[:, None, :2] - source[None, :, :2]).norm(dim=-1)
        return torch.nonzero(allowed & (distance < self.decoder[radius]), as_tuple=True)


def lie(target, source, edges):
    """Distance, bearing and difference of heading of the source as seen from the target."""
    there, here = source[edges[1]], target[edges[0]]
    offset = there[:, :2] - here[:, :2]
    bearing = wrap_angle(torch.atan2(offset[:, 1], offset[:, 0]) - here[:, 2])
    distance = offset.norm(dim=-1)
    bearing = torch.where(distance > 0, bearing, 0.0)
    return torch.stack([distance, bearing, wrap_angle(there[:, 2] - here[:, 2])], dim=-1)


def shaken(poses):
    """Nothing lies exactly behind anything, where a bearing of pi may as well be one of -pi."""
    spread = torch.tensor([0.3, 0.3, 0.1])
    return poses + torch.randn(poses.shape, generator=torch.manual_seed(0)) * spread


def test_an_imported_model_answers_as_the_plain_network_does(catk, batch, vocabulary):
    """Every valid node of three scenes, under the checkpoint's own names, radii and heads."""
    policy = bring(catk)
    batch = replace(batch, map_pose=shaken(batch.map_pose), pose=shaken(batch.pose))
    paths = logged_paths(batch)
    plain = Plain(catk.state, catk.decoder, corners_of(vocabulary.motion), vocabulary.map)
    expected, agent, step = plain.logits(batch, paths)
    found = policy(batch, paths).logits[agent, step]
    assert expected.std() > 0.05
    assert (found - expected).abs().max() < 1e-5


def test_the_published_size_is_accounted_for_to_the_last_weight(shapes_of):
    """7,001,024 without the norms that are listed twice: two tensors of 128 in 3 + 12 layers."""
    published = shapes_of(128, 128, 64, 2048, 3, 6)
    total = sum(torch.Size(shape).numel() for shape in published.values())
    assert total - 2 * 128 * 15 == 7_001_024


def test_sizes_come_from_shapes_and_the_rest_from_the_configuration(catk):
    model = bring(catk).config
    assert (model.width, model.heads, model.head_width, model.bands) == (16, 3, 4, 4)
    assert (model.map_layers, model.agent_layers, model.past_steps) == (1, 2, 3)
    assert (model.map_radius, model.map_to_agent_radius, model.agent_radius) == (9, 11, 25)
    assert (model.dropout, model.history_drop, model.map_neighbours) == (0.2, 0.3, 100)


def test_what_the_checkpoint_does_not_say_is_said(catk, shapes_of, filled, capsys):
    """Without a configuration, 128 channels of attention are eight heads, as in CAT-K."""
    catk.state, catk.decoder = filled(shapes_of(16, 128, 4, 48, 1, 2)), None
    catk.write()
    model = bring(catk).config
    assert (model.heads, model.head_width, model.agent_radius, model.past_steps) == (8, 16, 60, 6)
    said = capsys.readouterr().err
    assert "not in the checkpoint, taken from CAT-K: num_heads 8, time_span 30, dropout 0.1" in said
    assert "corners within 0.0000 m of the reference boxes" in said


def test_heads_that_nobody_tells_are_asked_for(catk):
    catk.decoder = None
    catk.write()
    with pytest.raises(InputError, match="12 channels of attention in how many heads"):
        bring(catk)


def test_the_recipe_names_the_vocabulary(catk):
    bring(catk)
    recipe = json.loads((catk.out / "recipe.json").read_text())
    assert recipe["stage"] == "imported"
    assert len(recipe["tokens"]) == 10


GATE = "agent_encoder.a2a_attn_layers.1.to_g.weight"
COPY = "agent_encoder.t_attn_layers.0.attn_prenorm_x_dst.bias"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(GATE), rf"tensor `{GATE}` is missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "tensor `extra` is not of this model"),
        (
            lambda s: s.update({GATE: torch.zeros(12, 27)}),
            rf"`{GATE}` has shape \[12, 27\], a model of these sizes and 48 tokens needs \[12, 28\]",
        ),
        (lambda s: s[COPY].add_(1), rf"`{COPY}` differs from .*x_src\.bias`, which is the same"),
        (
            lambda s: s.update({"agent_encoder.token_predict_head.mlp.3.bias": torch.zeros(47)}),
            r"mlp\.3\.bias` has shape \[47\], .* needs \[48\]",
        ),
        (lambda s: s.pop("agent_encoder.type_a_emb.weight"), r"type_a_emb\.weight` is missing"),
        (lambda s: s.clear(), "no `state_dict` of tensors"),
    ],
)
def test_tensors_that_do_not_fit_are_named_and_nothing_is_written(catk, change, message):
    change(catk.state)
    catk.write()
    with pytest.raises(InputError, match=message):
        bring(catk)
    assert not catk.out.exists()


def test_one_copy_of_a_shared_norm_is_enough(catk):
    catk.state.pop(COPY)
    catk.write()
    bring(catk)


def test_an_imported_folder_is_scored(catk, scenarios, tmp_path):
    """Tokenised with its own vocabulary, by the commands that REPRODUCING.md prints."""
    bring(catk)
    files = {name: tmp_path / name for name in ("cached", "tokens", "scores.parquet")}
    write_scenarios(files["cached"], scenarios[:1])
    vocabulary = catk.out / "vocabulary.safetensors"
    tokenize.main(tokenize.Args(files["cached"], vocabulary, files["tokens"]))
    evaluate.main(
        evaluate.Args(
            scenarios=[files["cached"]], tokens=[files["tokens"]], vocabulary=vocabulary,
            recipe=catk.out / "recipe.json", weights=catk.out / "model.safetensors",
            rollouts=2, challenge=2025, top_k=48, temperature=1.0, seed=0,
            out=files["scores.parquet"], device="cpu",
        )
    )  # fmt: skip
    assert pd.read_parquet(files["scores.parquet"])["metametric"].between(0, 1).all()


def test_what_is_exported_is_what_was_imported(catk, tmp_path, vocabulary):
    """There and back: every tensor to the bit, and corners to rounding."""
    bring(catk)
    back = tmp_path / "back"
    export_catk.main(
        export_catk.Args(
            catk.out / "recipe.json", catk.out / "model.safetensors",
            catk.out / "vocabulary.safetensors", back,
        )
    )  # fmt: skip
    content = read_checkpoint(back / "model.ckpt")
    state = {name.removeprefix("encoder."): t for name, t in content["state_dict"].items()}
    assert state.keys() == catk.state.keys()
    assert all(torch.equal(tensor, catk.state[name]) for name, tensor in state.items())
    decoder = content["hyper_parameters"]["model_config"]["decoder"]
    assert decoder == catk.decoder | {"num_map_layers": 1, "num_agent_layers": 2}
    corners = read_pickle(back / "agent_vocab.pkl")["token_all"]["veh"]
    original = read_pickle(catk.agent)["token_all"]["veh"]
    assert corners == pytest.approx(original, abs=1e-5)


def test_classes_of_unequal_size_have_no_place_in_a_checkpoint(catk, tmp_path):
    bring(catk)
    own = Vocabulary.read(catk.out / "vocabulary.safetensors")
    replace(own, count=torch.tensor([48, 30, 48])).write(tmp_path / "vocabulary")
    folder = catk.out
    args = export_catk.Args(
        folder / "recipe.json",
        folder / "model.safetensors",
        tmp_path / "vocabulary",
        tmp_path / "x",
    )
    with pytest.raises(InputError, match="one head and as many tokens for every class"):
        export_catk.main(args)
