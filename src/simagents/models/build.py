"""Recipes -> policies."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from simagents.errors import InputError, unknown_key
from simagents.models.smart import Smart
from simagents.models.smart_config import SmartConfig
from simagents.recipe import Recipe
from simagents.tokens.vocabulary import Vocabulary


def build_policy(recipe: Recipe, vocabulary: Vocabulary, weights: Path | None = None) -> Smart:
    """The recipe's model, with `weights` or freshly initialised from the recipe's seed."""
    fields = SmartConfig.__dataclass_fields__
    for key in recipe.model:
        if key not in fields:
            raise unknown_key(key, "recipe.model", fields)
    missing = sorted(set(fields) - set(recipe.model))
    if missing:
        raise InputError(f"recipe.model: `{missing[0]}` is missing.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        policy = Smart(SmartConfig(**recipe.model), vocabulary)
    if weights is not None:
        load_weights(policy, weights)
    return policy


def load_weights(policy: torch.nn.Module, path: Path) -> None:
    """Strictly: InputError names the first tensor that is missing, extra or misshapen."""
    try:
        found = load_file(path)
    except (FileNotFoundError, SafetensorError) as problem:
        raise InputError(f"{path}: no readable weights ({problem}).") from None
    wanted = policy.state_dict()
    for name in sorted(set(wanted) ^ set(found)):
        raise InputError(
            f"{path}: tensor `{name}` is {'missing' if name in wanted else 'not of this model'}."
        )
    for name, tensor in wanted.items():
        if tensor.shape != found[name].shape:
            raise InputError(
                f"{path}: tensor `{name}` has shape {list(found[name].shape)},"
                f" the recipe's model needs {list(tensor.shape)}."
            )
    policy.load_state_dict(found, strict=True)


def freeze(policy: Smart, recipe: Recipe) -> None:
    """Leave gradients only on what the recipe trains."""
    if recipe.trains == "everything":
        return
    policy.requires_grad_(False)
    for part in policy.supervised_in_closed_loop:
        part.requires_grad_(True)
