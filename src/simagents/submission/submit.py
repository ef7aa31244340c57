"""Rollouts -> the archive that the challenge's server takes."""

import gzip
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from tqdm import tqdm

from simagents.errors import InputError
from simagents.files import replacing
from simagents.scenarios.lookup import ScenarioLookup
from simagents.scenarios.womd.wire import message as field_of_bytes
from simagents.submission.entry import Entry, InMemory
from simagents.submission.joint_scene import ROLLOUTS, arranged, encode
from simagents.submission.metadata import Metadata, problems
from simagents.submission.sources import Sources
from simagents.submission.submission_pb2 import SimAgentsChallengeSubmission

SHARDS = 150
LARGEST_SHARD = 2**31 - 1
"""Bytes; protobuf reads no larger message."""
_ROLLOUTS = SimAgentsChallengeSubmission.SCENARIO_ROLLOUTS_FIELD_NUMBER


@dataclass
class Args:
    """Pack rollouts for the challenge's server; nothing is written unless all of them are valid.

    Metadata come from a file, from options, or from both: an option is stronger. Exits with 1
    and a line for each offending scenario if there are any, and with 2 if nothing can be done.
    """

    rollouts: Annotated[list[Path], tyro.conf.Positional, tyro.conf.arg(metavar="ROLLOUTS ...")]
    """our rollout files (.safetensors) or official shards: files, folders or quoted patterns"""
    out: Path = Path("submission.tar.gz")
    """the archive (.tar.gz)"""
    scenarios: Path | None = None
    """TFRecord files or cached shards of the split: then agents and completeness are checked too"""
    metadata_file: Annotated[Path | None, tyro.conf.arg(name="metadata")] = None
    """YAML file with the fields below under their names, with _ for -"""
    shards: int = SHARDS
    """files in the archive, at least 1"""
    metadata: Annotated[Metadata, tyro.conf.OmitArgPrefixes] = field(default_factory=Metadata)


class RefusedError(Exception):
    """Nothing is written, since scenarios offend: `reasons` says which and why."""

    def __init__(self, reasons: dict[str, str]):
        super().__init__(f"{len(reasons)} scenarios offend")
        self.reasons = dict(sorted(reasons.items()))


def main(args: Args) -> None:
    """Write the archive, or say why not."""
    if not args.rollouts:
        raise InputError("give the files with the rollouts.")
    metadata = Metadata.read(args.metadata_file) if args.metadata_file else Metadata()
    metadata = metadata.overridden_by(args.metadata)
    if offences := problems(metadata.message()):
        raise InputError(f"the metadata are not complete: {' '.join(offences)}")
    if not 1 <= args.shards <= 99_999:
        raise InputError("--shards must be between 1 and 99999, to fit the names of shards.")
    if not args.out.name.endswith(".tar.gz") or args.out.is_dir():
        raise InputError(
            f"{args.out}: must be a file that ends in .tar.gz, as the server takes it."
        )
    scenarios = ScenarioLookup(args.scenarios) if args.scenarios else None
    try:
        pack(args.rollouts, args.out, metadata, args.shards, scenarios)
    except RefusedError as refused:
        for scenario, reason in refused.reasons.items():
            print(f"{scenario}: {reason}", file=sys.stderr)
        print(f"{refused}; {args.out} is not written.", file=sys.stderr)
        sys.exit(1)
    print(f"{args.out}: {args.shards} shards, {args.out.stat().st_size:,} bytes.")


def pack(
    rollouts: list[Path],
    out: Path,
    metadata: Metadata,
    shards: int = SHARDS,
    scenarios: ScenarioLookup | None = None,
    rollouts_each: int = ROLLOUTS,
) -> None:
    """Write the archive, or raise RefusedError with what is wrong and write nothing.

    Scenarios are sorted by id and dealt out evenly, so that equal rollouts give an equal archive,
    byte for byte, however they were split into files. One scenario is in memory, and one shard on
    disk beside the archive.
    """
    entries, refused = _entries(rollouts, scenarios)
    last = metadata.message().SerializeToString(deterministic=True)
    with replacing(out) as temporary, _writing(temporary) as archive:
        bar = tqdm(total=len(entries), desc=out.name, unit="scenario")
        for shard in range(shards):
            first, end = (len(entries) * place // shards for place in (shard, shard + 1))
            with tempfile.TemporaryFile(dir=out.parent) as file:
                for entry in entries[first:end]:
                    try:
                        simulated = scenarios.simulated(entry.scenario) if scenarios else None
                        arrays = arranged(entry.scenes(), simulated, rollouts_each)
                        data = encode(entry.scenario, *arrays)
                    except InputError as problem:
                        refused[entry.scenario] = str(problem)
                    else:
                        file.write(field_of_bytes(_ROLLOUTS, data))
                    bar.update()
                file.write(last)
                name = f"submission.binproto-{shard:05d}-of-{shards:05d}"
                if not refused:
                    _add(archive, name, file)
        bar.close()
        if refused:
            raise RefusedError(refused)


def _entries(
    rollouts: list[Path], scenarios: ScenarioLookup | None
) -> tuple[list[Entry], dict[str, str]]:
    """Where the scenarios lie, by id, and what is wrong with them as a set."""
    sources, by_scenario, refused = Sources(*rollouts), {}, {}
    for entry in sources:
        if isinstance(entry, InMemory):
            raise InputError(
                f"{sources.files[0]}: unpack archives first; shards in them have no order."
            )
        if not entry.scenario:
            raise InputError("a scenario of the rollouts has no scenario_id.")
        if entry.scenario in by_scenario:
            refused[entry.scenario] = "is given more than once."
        elif scenarios and entry.scenario not in scenarios:
            refused[entry.scenario] = "is none of the scenarios given."
        by_scenario[entry.scenario] = entry
    if sources.damage:
        raise InputError(sources.damage[0])
    for scenario in scenarios or ():
        if scenario not in by_scenario:
            refused[scenario] = "has no rollouts."
    return [entry for name, entry in sorted(by_scenario.items()) if name not in refused], refused


@contextmanager
def _writing(path: Path) -> Iterator[tarfile.TarFile]:
    """A compressed archive without names and times, so that equal content gives equal bytes."""
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as archive,
    ):
        yield archive


def _add(archive: tarfile.TarFile, name: str, file: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = file.tell()
    if member.size > LARGEST_SHARD:
        raise InputError(
            f"{name} has {member.size:,} bytes, more than protobuf reads; give more --shards."
        )
    file.seek(0)
    archive.addfile(member, file)
