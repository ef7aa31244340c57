"""An imported model -> the folder of a stage among the runs."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from simagents.config.imports import DIGESTS, RECIPE, VOCABULARY, WEIGHTS, read_imported, sha256
from simagents.errors import InputError
from simagents.files import replacing


@dataclass
class Args:
    """Copy an imported model to where the workflow looks for it, and check it on the way."""

    folder: Annotated[Path, tyro.conf.Positional]
    """folder that `simagents import-catk` wrote"""
    out: Path
    """folder for recipe.json, model.safetensors and vocabulary.safetensors"""


def main(args: Args) -> None:
    """Raises InputError where a file is not the one that was imported."""
    model = read_imported(args.folder, "FOLDER")
    digests = {WEIGHTS: model.weights, VOCABULARY: model.vocabulary}
    for name in (RECIPE, WEIGHTS, VOCABULARY):
        with replacing(args.out / name) as temporary:
            shutil.copyfile(args.folder / name, temporary)
            # The copy is checked: the original may change between a check and the copying.
            if name in digests and sha256(temporary) != digests[name]:
                raise InputError(
                    f"{args.folder / name}: differs from what {DIGESTS} says of it; import the model"
                    " again with `simagents import-catk`."
                )
