"""A CAT-K or SMART checkpoint with its vocabularies -> a model of this project."""

import hashlib
import re
import sys
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from safetensors.torch import save_file
from torch import Tensor

from simagents.config.imports import DIGESTS, RECIPE, VOCABULARY, WEIGHTS, write_digests
from simagents.config.keys import read_as
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.exchange.inert import plain, read_checkpoint
from simagents.exchange.names import LATE_MOTION, NEIGHBOURS, matches, repeated
from simagents.exchange.tokens import read_vocabulary
from simagents.files import replacing, write_json
from simagents.models.families import build_policy
from simagents.tokens.vocabulary import SUBSTEPS, Vocabulary

_PREFIX = "encoder."
_HEADS = {128: (8, 16), 32: (4, 8)}
"""Channels of all heads -> heads and channels of one, in CAT-K's three public sizes."""
_OPTIONS = {
    "dropout": ("dropout", 0.1),
    "history_drop": ("hist_drop_prob", 0.1),
    "map_radius": ("pl2pl_radius", 10.0),
    "map_to_agent_radius": ("pl2a_radius", 30.0),
    "agent_radius": ("a2a_radius", 60.0),
}
"""Beyond shapes: our name, the name in `model_config.decoder`, the value of `smart.yaml`."""
_SPAN = 30


@dataclass
class Args:
    """Turn a Lightning checkpoint of CAT-K or SMART into weights, recipe and vocabulary.

    Nothing in the files is executed. Every tensor is accounted for: one that is missing, not of
    this model, or of another shape is named, and nothing is written.
    """

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """.ckpt with a `state_dict`"""
    agent_vocab: Path
    """pickle with `token_all`: corners of the motion tokens of `veh`, `ped` and `cyc`"""
    map_vocab: Path
    """pickle with `traj_src`: points of the map tokens"""
    out: Path
    """folder for model.safetensors, recipe.json, vocabulary.safetensors and digests.json"""


def main(args: Args) -> None:
    """Prints on standard error what the checkpoint leaves out and was assumed."""
    content = read_checkpoint(args.checkpoint)
    state = tensors_of(content, args.checkpoint)
    vocabulary, deviation = read_vocabulary(args.agent_vocab, args.map_vocab)
    hyperparameters = plain(content.get("hyper_parameters")) or {}
    decoder = _mapping(_mapping(hyperparameters.get("model_config")).get("decoder"))
    model, assumed = model_of(state, decoder, args.checkpoint)
    weights = weights_of(state, model, vocabulary, args.checkpoint)
    recipe = recipe_of(model, vocabulary)
    args.out.mkdir(parents=True, exist_ok=True)
    # First away and last written, so that digests never stand beside files of another import.
    (args.out / DIGESTS).unlink(missing_ok=True)
    with replacing(args.out / WEIGHTS) as temporary:
        save_file(weights, temporary)
    write_json(args.out / RECIPE, recipe)
    vocabulary.write(args.out / VOCABULARY)
    write_digests(args.out)
    if assumed:
        print(f"not in the checkpoint, taken from CAT-K: {', '.join(assumed)}", file=sys.stderr)
    print(
        f"{sum(tensor.numel() for tensor in weights.values()):,} weights,"
        f" {vocabulary.size} motion tokens a class, {len(vocabulary.map)} map tokens;"
        f" corners within {deviation:.4f} m of the reference boxes",
        file=sys.stderr,
    )


def tensors_of(content: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """The checkpoint's tensors without the prefix of their module."""
    state = content.get("state_dict", content)
    if not isinstance(state, dict) or not any(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"{path}: there is no `state_dict` of tensors.")
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor):
            raise InputError(f"{path}: `{name}` is no tensor.")
        if not torch.isfinite(tensor.float()).all():
            raise InputError(f"{path}: tensor `{name}` has numbers that are not finite.")
    return {str(name).removeprefix(_PREFIX): tensor.float() for name, tensor in state.items()}


def model_of(
    state: dict[str, Tensor], decoder: dict[str, Any], path: Path
) -> tuple[dict[str, Any], list[str]]:
    """`Recipe.model` from shapes and, for what these leave open, the checkpoint's configuration.

    Also returns what was assumed because neither contains it.
    """
    assumed = []

    def decoder_value(name: str, default: Any) -> Any:
        value = decoder.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            assumed.append(f"{name} {default}")
            return default
        return value

    width = _shape(state, "agent_encoder.type_a_emb.weight", path)[1]
    inner = _shape(state, "agent_encoder.t_attn_layers.0.to_q.weight", path)[0]
    heads, head_width = _HEADS.get(inner, (0, 0))
    if "num_heads" in decoder or not heads:
        heads = int(decoder_value("num_heads", heads))
        if not heads or inner % heads:
            raise InputError(
                f"{path}: the number of heads of {inner} attention channels is unknown; give it"
                " as `model_config.decoder.num_heads` in the checkpoint's hyper_parameters."
            )
        head_width = inner // heads
    else:
        assumed.append(f"num_heads {heads}")
    model = {
        "family": "smart",
        "width": width,
        "heads": heads,
        "head_width": head_width,
        "bands": _shape(state, "map_encoder.r_pt2pt_emb.freqs.weight", path)[1],
        "frequency_deviation": 0.02,  # of an initialisation that the weights replace
        "map_layers": _count(state, "map_encoder.pt2pt_layers"),
        "agent_layers": _count(state, "agent_encoder.t_attn_layers"),
        "map_neighbours": NEIGHBOURS,
        "past_steps": int(decoder_value("time_span", _SPAN)) // SUBSTEPS,
        "late_motion": LATE_MOTION,
        "relation_rows": 0,  # exact: its learned frequencies may be too fast for tables
        "head": "shared",
        **{key: float(decoder_value(*source)) for key, source in _OPTIONS.items()},
    }
    return model, assumed


def weights_of(
    state: dict[str, Tensor], model: dict[str, Any], vocabulary: Vocabulary, path: Path
) -> dict[str, Tensor]:
    """The tensors under our names; InputError names what is missing, extra, unequal, misshapen."""
    layers = model["map_layers"], model["agent_layers"]
    recipe = read_as(Recipe, recipe_of(model, vocabulary), f"{path}: as a recipe")
    policy = build_policy(recipe, vocabulary)
    shapes = {name: tensor.shape for name, tensor in policy.state_dict().items()}
    table = list(matches(*layers))
    copies = dict(repeated(*layers))
    valid = {name for match in table for name in match.catk_names} | set(copies)
    for name in sorted(valid - set(copies) - set(state)):
        raise InputError(f"{path}: tensor `{name}` is missing.")
    for name in sorted(set(state) - valid):
        raise InputError(f"{path}: tensor `{name}` is not of this model.")
    for copy, original in copies.items():
        if copy in state and not state[copy].equal(state[original]):
            raise InputError(
                f"{path}: tensor `{copy}` differs from `{original}`, which is the same LayerNorm."
            )
    weights = {}
    for match in table:
        expected = [list(part.shape) for part in match.part(policy.state_dict()[match.name])]
        for name, shape in zip(match.catk_names, expected, strict=True):
            if list(state[name].shape) != shape:
                raise InputError(
                    f"{path}: tensor `{name}` has shape {list(state[name].shape)}, a model of these"
                    f" sizes and {vocabulary.size} tokens needs {shape}."
                )
        weights[match.name] = match.join([state[name] for name in match.catk_names]).contiguous()
    assert {name: tensor.shape for name, tensor in weights.items()} == shapes
    return weights


def recipe_of(model: dict[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    """A complete recipe for weights that no run of this project trained.

    Model, vocabulary and parent are true. The recipe's other keys describe training; they hold the
    smallest valid values, and neither evaluation nor `export-catk` reads them.
    """
    content = hashlib.sha256()
    for part in (vocabulary.motion, vocabulary.map):
        content.update(part.contiguous().numpy().tobytes())
    return {
        "stage": "imported",
        "seed": 0,
        "revision": 0,
        "parent": None,
        "trains": "everything",
        "model": model,
        "data": "imported",
        "tokens": content.hexdigest()[:10],
        "held_out": 0,
        "precision": "float32",
        "budget": {
            "steps": 1, "batch": 1, "learning_rate": 1e-9, "rollouts": 0, "validations": 0,
        },
        "optimiser": {
            "betas": [0.0, 0.0], "weight_decay": 0.0, "clip": 1.0, "warmup": 0.0,
            "schedule": "constant", "final_ratio": 1.0,
        },
        "validation": {
            "scenes": 1, "rollouts": 1, "sampling": {"top_k": 0, "temperature": 1.0},
        },
        "algorithm": {"name": "bc", "label_smoothing": 0.0, "smoothing": "uniform"},
    }  # fmt: skip


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _shape(state: dict[str, Tensor], name: str, path: Path) -> tuple[int, int]:
    if name not in state:
        raise InputError(f"{path}: tensor `{name}` is missing.")
    if state[name].dim() != 2:
        raise InputError(
            f"{path}: tensor `{name}` has shape {list(state[name].shape)}, not [_, _]."
        )
    first, second = state[name].shape
    return first, second


def _count(state: dict[str, Tensor], layers: str) -> int:
    pattern = re.compile(rf"{re.escape(layers)}\.(\d+)\.")
    numbers = {int(match[1]) for name in state if (match := pattern.match(name))}
    return max(numbers, default=-1) + 1
