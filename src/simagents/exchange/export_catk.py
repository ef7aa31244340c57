"""A model of this project -> a checkpoint and vocabularies under CAT-K's names."""

import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro

from simagents.config.models import Smart
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.exchange.names import LATE_MOTION, NEIGHBOURS, matches, repeated
from simagents.exchange.tokens import NAMES, corners_of
from simagents.files import replacing
from simagents.models.families import build_policy
from simagents.tokens.vocabulary import SUBSTEPS, Vocabulary


@dataclass
class Args:
    """Turn a run's weights and vocabulary into files that CAT-K's code reads."""

    recipe: Annotated[Path, tyro.conf.Positional]
    """recipe.json of the run"""
    weights: Path
    vocabulary: Path
    out: Path
    """folder for model.ckpt, agent_vocab.pkl and map_vocab.pkl"""


def main(args: Args) -> None:
    """The inverse of `import-catk`. InputError for what CAT-K's model cannot have: classes of unequal
    size, a head for each class, goals, another family.

    Prints on standard error what CAT-K's code will compute differently.
    """
    recipe, vocabulary = Recipe.read(args.recipe), Vocabulary.read(args.vocabulary)
    model = recipe.model
    if not isinstance(model, Smart):
        raise InputError(
            f"{args.recipe}: CAT-K reads models of the family smart; this one is {model.family}."
        )
    if model.reads_goals:
        raise InputError(f"{args.recipe}: CAT-K's models read no goals; this one does.")
    policy = build_policy(recipe, vocabulary, args.weights)
    if model.head != "shared" or bool(vocabulary.absent.any()):
        raise InputError(
            "CAT-K has one head and equally many tokens for every class; this model does not."
        )
    weights, state = policy.state_dict(), {}
    for match in matches(model.map_layers, model.agent_layers):
        state |= dict(zip(match.catk_names, match.part(weights[match.name]), strict=True))
    for copy, original in repeated(model.map_layers, model.agent_layers):
        state[copy] = state[original]
    decoder = {
        "hidden_dim": model.width,
        "num_heads": model.heads,
        "head_dim": model.head_width,
        "num_freq_bands": model.bands,
        "num_map_layers": model.map_layers,
        "num_agent_layers": model.agent_layers,
        "dropout": model.dropout,
        "hist_drop_prob": model.history_drop,
        "pl2pl_radius": model.map_radius,
        "pl2a_radius": model.map_to_agent_radius,
        "a2a_radius": model.agent_radius,
        "time_span": model.past_steps * SUBSTEPS,
    }
    content = {
        "state_dict": {f"encoder.{name}": part.contiguous() for name, part in state.items()},
        "hyper_parameters": {"model_config": {"decoder": decoder}},
    }
    args.out.mkdir(parents=True, exist_ok=True)
    with replacing(args.out / "model.ckpt") as temporary:
        torch.save(content, temporary)
    corners = corners_of(vocabulary.motion).numpy()
    _pickle(args.out / "agent_vocab.pkl", {"token_all": dict(zip(NAMES, corners, strict=True))})
    _pickle(args.out / "map_vocab.pkl", {"traj_src": vocabulary.map.numpy().astype(np.float64)})
    for difference in _differences(model):
        print(f"{difference} in CAT-K's code, so outputs will differ.", file=sys.stderr)


def _differences(model: Smart) -> Iterator[str]:
    """What CAT-K's code has no option for."""
    if model.map_neighbours != NEIGHBOURS:
        yield (
            f"a map piece attends to {model.map_neighbours} others at most here and to {NEIGHBOURS}"
        )
    if model.late_motion != LATE_MOTION:
        yield "the first token of a late agent moves by nothing here and by its world position"


def _pickle(path: Path, content: dict) -> None:
    with replacing(path) as temporary, Path(temporary).open("wb") as file:
        pickle.dump(content, file)
