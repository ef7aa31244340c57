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
from simagents.scenarios.scorable import told, unscorable
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
    """Write the shard. Unusable records are named on stderr and in the header; the rest is kept.

    Scenarios that the metric cannot score are kept too, named in the header and counted on stderr.
    A second scenario of the same id is unusable.
    """
    rejected: list[str] = []
    ids: set[str] = set()

    def usable() -> Iterator[Scenario]:
        for decoded in tqdm(read_scenarios(args.records), desc=args.records.name, unit="scenario"):
            if isinstance(decoded, Scenario) and decoded.id in ids:
                decoded = InputError(f"{args.records}: scenario {decoded.id} is there twice.")
            if isinstance(decoded, InputError):
                rejected.append(str(decoded))
                print(f"skipped: {decoded}", file=sys.stderr)
            else:
                ids.add(decoded.id)
                yield decoded

    scenarios = list(usable())
    if not scenarios:
        raise InputError(f"{args.records}: no usable scenario among {len(rejected)} records.")
    write_scenarios(args.out, scenarios, source=args.records.name, rejected=rejected)
    if reasons := [reason for reason in map(unscorable, scenarios) if reason]:
        print(
            f"{told(reasons, len(scenarios), 'scenarios')}; reinforcement, calibration and"
            " evaluation leave them out.",
            file=sys.stderr,
        )
