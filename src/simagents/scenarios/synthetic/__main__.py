"""Write synthetic scenarios into one TFRecord shard, as WOMD does."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from tqdm import tqdm

from simagents.errors import InputError
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd.encode import encode_scenario
from simagents.scenarios.womd.tfrecord import write_records


@dataclass
class Args:
    """Which scenarios, and where to."""

    out: Path
    """the shard; it appears whole or not at all"""
    seed: int = 0
    """names an endless series of scenarios"""
    first: int = 0
    """number of the first scenario in the series"""
    count: int = 100
    """how many; shards of one series differ in `first`"""


def main(args: Args) -> None:
    """Write the shard."""
    if args.seed < 0 or args.first < 0 or args.count < 1:
        raise InputError("--seed and --first must not be negative, and --count must be at least 1.")
    numbers = range(args.first, args.first + args.count)
    bar = tqdm(numbers, desc=args.out.name, unit=" scenarios")
    write_records(args.out, (encode_scenario(generate_scenario(args.seed, i)) for i in bar))


if __name__ == "__main__":
    main(tyro.cli(Args))
