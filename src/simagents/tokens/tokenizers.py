"""The rules that make motion vocabularies, by the names that the configuration gives them."""

import json
from typing import Protocol, runtime_checkable

import numpy as np
from pydantic import ValidationError

from simagents.errors import InputError, unknown_key
from simagents.tokens.grid import Grid
from simagents.tokens.kdisks import KDisks
from simagents.tokens.kmeans import KMeans
from simagents.tokens.motions import Motions
from simagents.tokens.trajtok import TrajTok


@runtime_checkable
class Tokenizer(Protocol):
    """A rule with its numbers."""

    def tokens(self, motions: Motions, agent_class: int, generator: np.random.Generator) -> Motions:
        """The tokens of one class, from motions of that class; the first is standing still."""
        ...


RULES: dict[str, type] = {"k_disks": KDisks, "k_means": KMeans, "grid": Grid, "trajtok": TrajTok}


def tokenizer_of(text: str) -> Tokenizer:
    """From JSON: `rule` and the numbers of that rule. Raises InputError naming the key that is wrong."""
    try:
        given = dict(json.loads(text))
    except (json.JSONDecodeError, TypeError, ValueError):
        raise InputError(f"--tokenizer: expected a JSON object, got {text[:60]}") from None
    rule = given.pop("rule", None)
    if rule not in RULES:
        raise unknown_key(str(rule), "--tokenizer", RULES)
    try:
        return RULES[rule](**given)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"--tokenizer {rule}: `{key}`: {first['msg'].lower()}.") from None
