"""TFRecord shard -> cached shard: decode once, check once, memory-map for ever after."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from simagents.errors import InputError
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.womd.decode import read_scenarios


@dataclass
class Args:
    """Decode one TFRecord shard of `Scenario` protos into a memory-mapped shard."""

    records: Annotated[Path, tyro.conf.Positional]
    """TFRecord file, from WOMD or from `simagents synthesize`"""
    out: Path
    """cached shard to write (.safetensors)"""


def main(args: Args) -> None:
    """Write the shard. Unusable records are named on stderr and in the header; the rest is kept."""
    rejected: list[str] = []

    def usable() -> Iterator[Scenario]:
        for decoded in tqdm(read_scenarios(args.records), desc=args.records.name, unit="scenario"):
            if isinstance(decoded, InputError):
                rejected.append(str(decoded))
                print(f"skipped: {decoded}", file=sys.stderr)
            else:
                yield decoded

    scenarios = list(usable())
    if not scenarios:
        raise InputError(f"{args.records}: no usable scenario among {len(rejected)} records.")
    write_scenarios(args.out, scenarios, source=args.records.name, rejected=rejected)
