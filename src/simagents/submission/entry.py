"""Where the rollouts of one scenario lie; small enough to be sent to another process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from simagents.scenarios.rollout_file import opened
from simagents.submission.joint_scene import JointScene, decode, from_arrays


@runtime_checkable
class Entry(Protocol):
    """Rollouts that somebody claims for a scenario."""

    @property
    def scenario(self) -> str: ...

    def scenes(self) -> list[JointScene]:
        """Decode them; raises InputError, without the scenario's id, for what is malformed."""
        ...


@dataclass(frozen=True)
class InRolloutFile:
    """In a file of our own format."""

    scenario: str
    path: Path

    def scenes(self) -> list[JointScene]:
        return from_arrays(*opened(self.path).read(self.scenario))


@dataclass(frozen=True)
class InShard:
    """In a shard of the official format, from that byte on."""

    scenario: str
    path: Path
    offset: int
    length: int

    def scenes(self) -> list[JointScene]:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return decode(file.read(self.length))


@dataclass(frozen=True)
class InMemory:
    """A message out of an archive, which has no random access."""

    scenario: str
    data: bytes

    def scenes(self) -> list[JointScene]:
        return decode(self.data)
