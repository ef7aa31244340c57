"""Would the challenge's server take this archive, and if not, why?"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from simagents.errors import InputError
from simagents.scenarios.lookup import ScenarioLookup
from simagents.submission.entry import Entry
from simagents.submission.joint_scene import ROLLOUTS, arranged
from simagents.submission.metadata import problems
from simagents.submission.parallel import ordered
from simagents.submission.shards import ShardReport, Shards
from simagents.submission.submit import LARGEST_SHARD

NAME = re.compile(r".*\.binproto(?:-(\d{5})-of-(\d{5}))?")
"""The pattern that the challenge's tutorial gives for names of shards."""


@dataclass
class Args:
    """Check an archive, whoever packed it.

    Exits with 0 if nothing offends, with 1 and a line for each offence if something does, and with
    2 if there is nothing to check.
    """

    archive: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ARCHIVE")]
    """what would be uploaded (.tar.gz)"""
    scenarios: Path | None = None
    """TFRecord files or cached shards of the split: then agents and completeness are checked too"""
    workers: int = 1
    """processes"""


def main(args: Args) -> None:
    """Print offences, and a line that counts."""
    if not args.archive.is_file():
        raise InputError(f"{args.archive}: there is no such file.")
    scenarios = ScenarioLookup(args.scenarios) if args.scenarios else None
    offences, shards = check(args.archive, scenarios, args.workers)
    for line in offences:
        print(line)
    count = sum(report.scenarios for report in shards.reports)
    print(
        f"{args.archive}: {args.archive.stat().st_size:,} bytes; shards: {len(shards.reports)},"
        f" scenarios: {count}, offences: {len(offences)}."
    )
    if offences:
        sys.exit(1)


def check(
    path: Path, scenarios: ScenarioLookup | None = None, workers: int = 1, rollouts: int = ROLLOUTS
) -> tuple[list[str], Shards]:
    """A sentence for each offence: the archive's, the shards' by name, the scenarios' by id."""
    shards, seen = Shards(path), Counter[str]()

    def counted() -> Iterator[Entry]:
        for entry in tqdm(shards, total=len(scenarios) if scenarios else None, unit="scenario"):
            seen[entry.scenario] += 1
            yield entry

    reasons: dict[str, str] = {}
    for scenario, reason in ordered(Checker(scenarios, rollouts), counted(), workers):
        if reason:
            reasons[scenario] = reason
    for scenario, count in seen.items():
        if count > 1:
            reasons[scenario] = f"is there {count} times."
    for scenario in scenarios or ():
        if scenario not in seen:
            reasons[scenario] = "is missing."
    lines = [*_archive(path, shards), *_names(shards.reports), *_metadata(shards.reports)]
    lines += [
        f"{scenario or '(a scenario without id)'}: {why}"
        for scenario, why in sorted(reasons.items())
    ]
    return lines, shards


@dataclass
class Checker:
    """Checks one scenario, in whichever process."""

    scenarios: ScenarioLookup | None
    rollouts: int

    def __call__(self, entry: Entry) -> tuple[str, str]:
        """The scenario and what is wrong with it, or nothing."""
        name = entry.scenario
        if not name:
            return name, "has no scenario_id."
        if self.scenarios is not None and name not in self.scenarios:
            return name, "is none of the scenarios given."
        try:
            simulated = self.scenarios.simulated(name) if self.scenarios is not None else None
            arranged(entry.scenes(), simulated, self.rollouts)
        except InputError as problem:
            return name, str(problem)
        return name, ""


def _archive(path: Path, shards: Shards) -> Iterator[str]:
    if not path.name.endswith(".tar.gz") or not (shards.archive and shards.compressed):
        yield f"{path}: must be a .tar.gz, an archive that gzip has compressed."
    if shards.problem:
        yield f"{path}: {shards.problem}"
    if not any(report.scenarios for report in shards.reports):
        yield f"{path}: has no scenario."


def _names(reports: list[ShardReport]) -> Iterator[str]:
    """Shards are numbered from 0 to one below the count that each of them names."""
    places, counts = Counter[int](), set()
    for report in reports:
        match = NAME.fullmatch(report.name)
        if not match:
            yield f"{report.name}: is no name of a shard, such as submission.binproto-00000-of-00150."
        elif match[1]:
            places[int(match[1])] += 1
            counts.add(int(match[2]))
        if report.size > LARGEST_SHARD:
            yield f"{report.name}: has {report.size:,} bytes, more than protobuf reads."
    if len(counts) > 1:
        yield f"names of shards disagree on how many there are: {', '.join(map(str, sorted(counts)))}."
    elif counts:
        count = counts.pop()
        if missing := sorted(set(range(count)) - set(places)):
            yield f"{len(missing)} of {count} shards are missing, the first is {missing[0]:05d}."
        for place, times in sorted(places.items()):
            if times > 1 or place >= count:
                yield f"shard {place:05d}-of-{count:05d} is there {times} times, numbered from 0."


def _metadata(reports: list[ShardReport]) -> Iterator[str]:
    """Said of the first shard; of the others only where they differ from it."""
    first = None
    for report in reports:
        if report.problem:
            yield f"{report.name}: {report.problem}"
        elif first is None and report.metadata:
            first = report
            for problem in problems(report.metadata):
                yield f"{report.name}: {problem}"
        elif first and report.metadata and report.metadata != first.metadata:
            yield f"{report.name}: its metadata differ from those of {first.name}."
