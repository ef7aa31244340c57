"""Cached shards -> tokenised shards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from simagents.errors import InputError
from simagents.scenarios.shard_file import listed, write_shard
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.scene import tokenize
from simagents.tokens.vocabulary import Vocabulary


@dataclass
class Args:
    """Turn shards of cached scenarios into token chains and map tokens."""

    scenarios: Annotated[list[Path], tyro.conf.Positional]
    """cached shards, from `simagents cache`"""
    vocabulary: Path
    """from `simagents vocabulary`"""
    out: Path
    """folder for the tokenised shards, which keep their names"""


def main(args: Args) -> None:
    """Tokenise in each shard's order, so that row i of both files is the same scenario."""
    vocabulary = Vocabulary.read(args.vocabulary)
    shards = [shard for given in args.scenarios for shard in listed(given)]
    _check_places(shards, args.out)
    for shard in shards:
        store = ScenarioStore([shard])
        scenes = (
            (store.ids[row], tokenize(store[row], vocabulary).item())
            for row in tqdm(range(len(store)), desc=shard.stem, unit="scenario")
        )
        write_shard(args.out / shard.name, scenes, vocabulary=vocabulary.digest)


def _check_places(shards: list[Path], out: Path) -> None:
    """Raises InputError where a tokenised shard would take the place of another file."""
    names = [shard.name for shard in shards]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"two shards are called {min(twice)}, and tokenised shards keep their names; give them in two calls"
            " with an --out of their own."
        )
    given = {shard.resolve() for shard in shards}
    if given & {(out / name).resolve() for name in names}:
        raise InputError(f"--out {out}: is the folder of the shards themselves; give another.")
