"""Recipes -> policies, and scenes as a family reads them.

A family is a package `models/NAME`, or a module of your own, with

    READS_MAP                        whether it reads the polylines of a SceneBatch
    build(settings, vocabulary)      the policy, freshly initialised; a vocabulary only where the
                                     family's settings say that it reads tokens
    represent(scenarios, tokens)     what its network reads beside the SceneBatch, or None
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from simagents.config.keys import module_of
from simagents.config.models import ModelSettings
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.models.scenes import SceneBatch, collate
from simagents.scenarios.scenario import Scenario
from simagents.tokens.scene import TokenScene
from simagents.tokens.vocabulary import Vocabulary


@dataclass(frozen=True)
class SceneReader:
    """Builds batches of scenes as one model family reads them."""

    settings: ModelSettings

    def __call__(
        self,
        scenarios: Sequence[Scenario],
        tokens: Sequence[TokenScene] | None = None,
        trained: Sequence[np.ndarray] | None = None,
        goals: Sequence[np.ndarray] | None = None,
    ) -> SceneBatch:
        """The scenes as one batch; `trained` and `goals` as for `collate`.

        Raises InputError where the family reads tokens and `tokens` is None.
        """
        family = family_of(self.settings)
        if self.settings.reads_tokens and tokens is None:
            raise InputError("this model family reads tokenised scenes; give them with --tokens.")
        representation = family.represent(scenarios, tokens)
        return collate(scenarios, trained, representation, with_map=family.READS_MAP, goals=goals)


def family_of(settings: ModelSettings) -> ModuleType:
    """The module with the family's code."""
    return module_of(settings, "simagents.models", "family")


def build_policy(
    recipe: Recipe,
    vocabulary: Vocabulary | None,
    weights: Path | None = None,
    *,
    of_parent: bool = False,
) -> nn.Module:
    """The recipe's model, with `weights` or freshly initialised from the recipe's seed.

    `of_parent`: the weights are those of the run that this one starts from, which may lack what the
    policy adds to its parent (`added`); that stays as it is initialised.
    """
    if recipe.model.reads_tokens and vocabulary is None:
        raise InputError(
            f"recipe of {recipe.stage}: its model reads tokens; give their vocabulary with"
            " --vocabulary."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        policy = family_of(recipe.model).build(recipe.model, vocabulary)
    if weights is not None:
        load_weights(policy, weights, getattr(policy, "added", ()) if of_parent else ())
    return policy


def load_weights(policy: nn.Module, path: Path, may_lack: Collection[str] = ()) -> None:
    """Strictly: InputError names the first tensor that is missing, extra or misshapen.

    All of `may_lack`, names of tensors that keep their values, may be missing together.
    """
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as problem:
        raise InputError(f"{path}: no readable weights ({problem}).") from None
    expected = policy.state_dict()
    if not set(may_lack) & set(stored):
        stored |= {name: expected[name] for name in may_lack}
    for name in sorted(set(expected) ^ set(stored)):
        raise InputError(
            f"{path}: tensor `{name}` is {'missing' if name in expected else 'not of this model'}."
        )
    for name, tensor in expected.items():
        if tensor.shape != stored[name].shape:
            raise InputError(
                f"{path}: tensor `{name}` has shape {list(stored[name].shape)},"
                f" the recipe's model needs {list(tensor.shape)}."
            )
    policy.load_state_dict(stored, strict=True)


def freeze(policy: nn.Module, recipe: Recipe) -> None:
    """Leave gradients only on what the recipe trains; what reads goals learns only where some are given."""
    if recipe.trains != "everything":
        policy.requires_grad_(False)
        for part in policy.fine_tuned:
            part.requires_grad_(True)
    if recipe.algorithm.given_goals is None:
        for name in getattr(policy, "added", ()):
            policy.get_parameter(name).requires_grad_(False)
