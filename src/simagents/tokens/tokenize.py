"""Cached shards -> tokenised shards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from simagents.scenarios.shard_file import write_shard
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
    for shard in args.scenarios:
        store = ScenarioStore([shard])
        scenes = (
            (store.ids[row], tokenize(store[row], vocabulary).item())
            for row in tqdm(range(len(store)), desc=shard.stem, unit="scenario")
        )
        write_shard(args.out / shard.name, scenes)
