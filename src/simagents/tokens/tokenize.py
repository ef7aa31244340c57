"""Cached shard -> tokenised shard."""

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
    """Turn one shard of cached scenarios into token chains and map tokens."""

    scenarios: Annotated[Path, tyro.conf.Positional]
    """cached shard, from `simagents cache`"""
    vocabulary: Path
    """from `simagents vocabulary`"""
    out: Path
    """tokenised shard to write (.safetensors)"""


def main(args: Args) -> None:
    """Tokenise in the shard's order, so that row i of both files is the same scenario."""
    store = ScenarioStore([args.scenarios])
    vocabulary = Vocabulary.read(args.vocabulary)
    scenes = (
        (store.ids[row], tokenize(store[row], vocabulary).item())
        for row in tqdm(range(len(store)), desc=args.scenarios.stem, unit="scenario")
    )
    write_shard(args.out, scenes)
