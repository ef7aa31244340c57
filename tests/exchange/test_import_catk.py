"""An imported checkpoint is the function it was, and what does not fit is named."""

import json
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from plain.checkpoint import filled, shapes
from plain.smart import PlainSmart
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.evaluation import evaluate
from simagents.exchange import export_catk
from simagents.exchange.import_catk import Args, main
from simagents.exchange.inert import read_checkpoint, read_pickle
from simagents.exchange.tokens import corners_of
from simagents.models.families import build_policy
from simagents.models.smart.token_policy import logged_paths
from simagents.scenarios.store import write_scenarios
from simagents.tokens import tokenize
from simagents.tokens.vocabulary import Vocabulary


def bring(catk):
    main(Args(catk.checkpoint, catk.agent, catk.map, catk.out))
    recipe = Recipe.read(catk.out / "recipe.json")
    vocabulary = Vocabulary.read(catk.out / "vocabulary.safetensors")
    return build_policy(recipe, vocabulary, catk.out / "model.safetensors").eval()


def shaken(poses):
    """Nothing lies exactly behind anything, where a bearing of pi may as well be one of -pi."""
    spread = torch.tensor([0.3, 0.3, 0.1])
    return poses + torch.randn(poses.shape, generator=torch.manual_seed(0)) * spread


def test_an_imported_model_answers_as_the_plain_network_does(catk, batch, vocabulary):
    """Every valid node of three scenes, under the checkpoint's own names, radii and heads."""
    policy = bring(catk)
    tokens = batch.representation
    tokens = replace(tokens, map_pose=shaken(tokens.map_pose), pose=shaken(tokens.pose))
    batch = replace(batch, representation=tokens)
    paths = logged_paths(batch)
    corners = corners_of(vocabulary.motion)
    plain = PlainSmart(lambda: catk.state, catk.decoder, corners, vocabulary.map)
    expected, agent, step = plain.logits(batch, paths)
    logits = policy(batch, paths).logits[agent, step]
    assert expected.std() > 0.05
    assert (logits - expected).abs().max() < 1e-5


def test_the_published_size_is_accounted_for_to_the_last_weight():
    """7,001,024 without the norms that are listed twice: two tensors of 128 in 3 + 12 layers."""
    published = shapes(128, 128, 64, 2048, 3, 6)
    total = sum(torch.Size(shape).numel() for shape in published.values())
    assert total - 2 * 128 * 15 == 7_001_024


def test_sizes_come_from_shapes_and_the_rest_from_the_configuration(catk):
    model = bring(catk).config
    assert (model.width, model.heads, model.head_width, model.bands) == (16, 3, 4, 4)
    assert (model.map_layers, model.agent_layers, model.past_steps) == (1, 2, 3)
    assert (model.map_radius, model.map_to_agent_radius, model.agent_radius) == (9, 11, 25)
    assert (model.dropout, model.history_drop, model.map_neighbours) == (0.2, 0.3, 100)


def test_what_the_checkpoint_leaves_out_is_reported(catk, capsys):
    """Without a configuration, 128 channels of attention are eight heads, as in CAT-K."""
    catk.state, catk.decoder = filled(shapes(16, 128, 4, 48, 1, 2)), None
    catk.write()
    model = bring(catk).config
    assert (model.heads, model.head_width, model.agent_radius, model.past_steps) == (8, 16, 60, 6)
    report = capsys.readouterr().err
    assert "taken from CAT-K: num_heads 8, time_span 30, dropout 0.1" in report
    assert "corners within 0.0000 m of the reference boxes" in report


def test_an_unknown_number_of_heads_is_refused(catk):
    catk.decoder = None
    catk.write()
    with pytest.raises(InputError, match="number of heads of 12 attention channels is unknown"):
        bring(catk)


def test_options_that_are_no_numbers_are_refused_or_assumed(catk, capsys):
    catk.decoder["time_span"] = float("inf")
    catk.write()
    assert bring(catk).config.past_steps == 6
    assert "taken from CAT-K: time_span 30" in capsys.readouterr().err
    catk.decoder["hist_drop_prob"] = -3.0
    catk.write()
    with pytest.raises(InputError, match=r"ckpt: as a recipe\.model\.history_drop: -3\.0 must be"):
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
        (lambda s: s[GATE][3].fill_(torch.nan), rf"{GATE}` has numbers that are not finite"),
        (lambda s: s.clear(), "no `state_dict` of tensors"),
    ],
)
def test_tensors_that_do_not_fit_are_named_and_nothing_is_written(catk, change, message):
    change(catk.state)
    catk.write()
    with pytest.raises(InputError, match=message):
        bring(catk)
    assert not catk.out.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["veh"][3, 2, 1].fill(np.nan), r"`token_all\.veh` has numbers .* not finite"),
        (lambda t: t.pop("cyc"), "`token_all` with `veh`, `ped` and `cyc` is missing"),
        (
            lambda t: t.update(ped=t["ped"][:, 1:]),
            r"`token_all\.ped` has shape \[48, 5, 4, 2\], not \[V, 6, 4, 2\]",
        ),
        (lambda t: t.update(ped=t["ped"][:7]), "48, 7, 48 tokens; one head needs equally many"),
        (lambda t: t.update(veh=t["veh"] * 9), "off the class's box"),
    ],
)
def test_vocabularies_that_do_not_fit_are_refused(catk, change, message):
    tables = read_pickle(catk.agent)["token_all"]
    change(tables)
    catk.agent.write_bytes(pickle.dumps({"token_all": {k: np.array(v) for k, v in tables.items()}}))
    with pytest.raises(InputError, match=message):
        bring(catk)


def test_one_copy_of_a_shared_norm_is_enough(catk):
    catk.state.pop(COPY)
    catk.write()
    bring(catk)


def test_an_imported_folder_is_scored(catk, scenarios, tmp_path):
    """Tokenised with its own vocabulary, by the commands that docs/tutorials/imported.md prints."""
    bring(catk)
    files = {name: tmp_path / name for name in ("cached", "tokens/cached", "scores.parquet")}
    write_scenarios(files["cached"], scenarios[:1])
    vocabulary = catk.out / "vocabulary.safetensors"
    tokenize.main(tokenize.Args([files["cached"]], vocabulary, tmp_path / "tokens"))
    evaluate.main(
        evaluate.Args(
            scenarios=[files["cached"]], tokens=[files["tokens/cached"]], vocabulary=vocabulary,
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


def test_what_catk_s_code_will_compute_differently_is_reported(catk, tmp_path, capsys):
    bring(catk)
    recipe = json.loads((catk.out / "recipe.json").read_text())
    recipe["model"] |= {"map_neighbours": 16, "late_motion": "none"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    args = export_catk.Args(
        tmp_path / "recipe.json",
        catk.out / "model.safetensors",
        catk.out / "vocabulary.safetensors",
        tmp_path / "back",
    )
    export_catk.main(args)
    told = capsys.readouterr().err
    assert "16 others at most here and to 100 in CAT-K's code" in told
    assert "moves by nothing here and by its world position in CAT-K's code" in told


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
    with pytest.raises(InputError, match="one head and equally many tokens for every class"):
        export_catk.main(args)


def test_a_model_of_another_family_is_refused(catk, tmp_path, monkeypatch):
    """A family that a user added, as a module under `simagents.extensions`."""
    bring(catk)
    path = catk.out / "recipe.json"
    recipe = Recipe.read(path)
    other = recipe.model_copy(update={"model": SimpleNamespace(family="motionlm")})
    monkeypatch.setattr(Recipe, "read", lambda _: other)
    args = export_catk.Args(path, path, catk.out / "vocabulary.safetensors", tmp_path / "x")
    with pytest.raises(InputError, match="reads models of the family smart; this one is motionlm"):
        export_catk.main(args)
