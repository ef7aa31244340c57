"""Stages that are imported: folders with a model that was trained elsewhere."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from simagents.config.keys import Settings
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.files import read_json, write_json

RECIPE, WEIGHTS, VOCABULARY = "recipe.json", "model.safetensors", "vocabulary.safetensors"
"""Files of the folder, and of an imported stage's folder among the runs."""
DIGESTS = "digests.json"
"""SHA-256 of weights and vocabulary, so that planning need not read them."""


class Imported(Settings):
    """A stage that is not trained: its model comes from a folder."""

    import_: str = Field(alias="import")
    """folder that `simagents import-catk` wrote, seen from where Snakemake runs; the stage has this
    model under every seed, and no other keys"""

    def changed(self, changes: Mapping[str, Any], where: str) -> "Imported":
        """Itself. Raises InputError where a row changes keys, since it has none."""
        if changes:
            raise InputError(
                f"{where}: the stage is imported and has no keys to change; let the row name a stage"
                " that is trained."
            )
        return self


@dataclass(frozen=True)
class ImportedModel:
    """What names an imported model."""

    recipe: Recipe
    """only its `model` describes what is there"""
    weights: str
    """SHA-256"""
    vocabulary: str
    """SHA-256"""


def read_imported(folder: Path, where: str) -> ImportedModel:
    """Without reading weights. Raises InputError, beginning with `where`, for what is not there."""
    if not folder.is_dir():
        raise InputError(
            f"{where}: there is no folder {folder}; `simagents import-catk` writes one."
        )
    for name in (RECIPE, WEIGHTS, VOCABULARY, DIGESTS):
        if not (folder / name).is_file():
            raise InputError(
                f"{where}: {folder} has no {name}; import the model again with `simagents import-catk`."
            )
    digests = read_json(folder / DIGESTS)
    if not isinstance(digests, dict) or set(digests) != {WEIGHTS, VOCABULARY}:
        raise InputError(
            f"{where}: {folder / DIGESTS} does not hold the digests of {WEIGHTS} and {VOCABULARY};"
            " import the model again with `simagents import-catk`."
        )
    return ImportedModel(Recipe.read(folder / RECIPE), digests[WEIGHTS], digests[VOCABULARY])


def write_digests(folder: Path) -> None:
    """Of the weights and the vocabulary that lie in the folder."""
    write_json(folder / DIGESTS, {name: sha256(folder / name) for name in (WEIGHTS, VOCABULARY)})


def sha256(path: Path) -> str:
    """Of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
