"""Shards of a submission, alone or in an archive, read one scenario at a time.

A shard is one `SimAgentsChallengeSubmission` of hundreds of megabytes, an archive holds a hundred of
them. Neither is parsed as a whole: shards are walked over field by field (`wire.py`), archives are
decompressed as a stream, and what is in memory is one scenario.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from google.protobuf.message import DecodeError

from simagents.scenarios.womd.wire import BYTES, WireError, fields, message, read, varint
from simagents.submission import submission_pb2
from simagents.submission.entry import Entry, InMemory, InShard

_SCENARIO_ROLLOUTS = submission_pb2.SimAgentsChallengeSubmission.SCENARIO_ROLLOUTS_FIELD_NUMBER
_SCENARIO_ID = submission_pb2.ScenarioRollouts.SCENARIO_ID_FIELD_NUMBER
_GZIP = b"\x1f\x8b"
_TAR, _TAR_AT = b"ustar", 257
_PIECE = 1 << 20


@dataclass
class ShardReport:
    """What is known of a shard when its last scenario has been read."""

    name: str
    size: int
    """bytes, uncompressed"""
    metadata: submission_pb2.SimAgentsChallengeSubmission | None = None
    """all fields but the scenarios; None where the bytes are no submission"""
    scenarios: int = 0
    problem: str = ""
    """why the bytes are no submission"""


class Shards:
    """The scenarios of a shard, or of all shards of an archive; to be iterated once.

    `reports` grows by one for each shard. A shard that is no submission ends where the damage is,
    and the next one begins; where the archive itself is damaged, all ends, and `problem` says why.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        with self.path.open("rb") as file:
            head = file.read(_TAR_AT + len(_TAR))
        self.compressed = head.startswith(_GZIP)
        self.archive = self.compressed or head[_TAR_AT:] == _TAR
        self.reports: list[ShardReport] = []
        self.problem = ""

    def __iter__(self) -> Iterator[Entry]:
        if self.archive:
            yield from self._members()
            return
        with self.path.open("rb") as file:
            for scenario, offset, data in self._walk(
                file, str(self.path), self.path.stat().st_size
            ):
                yield InShard(scenario, self.path, offset, len(data))

    def _members(self) -> Iterator[Entry]:
        # Opened here and not by tarfile, so that the checksum behind the last shard is read too.
        opener = gzip.open if self.compressed else open
        try:
            with (
                opener(self.path, "rb") as stream,
                tarfile.open(fileobj=stream, mode="r:") as archive,
            ):
                for member in archive:
                    if member.isfile() and (file := archive.extractfile(member)):
                        for scenario, _, data in self._walk(file, member.name, member.size):
                            yield InMemory(scenario, data)
                while stream.read(_PIECE):
                    pass
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as problem:
            self.problem = f"is no whole archive ({problem}); what follows cannot be read."

    def _walk(self, file: BufferedIOBase, name: str, size: int) -> Iterator[tuple[str, int, bytes]]:
        """Id, place and bytes of each `ScenarioRollouts`."""
        report = ShardReport(name, size)
        self.reports.append(report)
        rest = bytearray()
        try:
            for field in fields(file, size):
                value = read(file, field.length)
                if field.type == BYTES and field.number == _SCENARIO_ROLLOUTS:
                    report.scenarios += 1
                    yield _id_of(value), field.start, value
                elif field.type == BYTES:
                    rest += message(field.number, value)
                else:
                    rest += varint(field.number << 3 | field.type) + value
            metadata = submission_pb2.SimAgentsChallengeSubmission.FromString(bytes(rest))
            for descriptor, value in metadata.ListFields():
                # Protobuf leaves text that is not UTF-8 as bytes.
                if isinstance(value, bytes) or (
                    descriptor.is_repeated and any(isinstance(item, bytes) for item in value)
                ):
                    raise WireError(f"{descriptor.name} is no text")
            report.metadata = metadata
        except (WireError, DecodeError, UnicodeDecodeError) as problem:
            report.problem = f"is no submission message or a damaged one ({problem})."


def _id_of(data: bytes) -> str:
    """The scenario id in a serialised `ScenarioRollouts`; empty where there is none."""
    for field in fields(file := io.BytesIO(data), len(data)):
        if field.number == _SCENARIO_ID and field.type == BYTES:
            return read(file, field.length).decode()
    return ""
