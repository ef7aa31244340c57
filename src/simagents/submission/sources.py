"""Rollouts from whatever a command is given: our files, official shards, archives, folders."""

from collections.abc import Iterator
from pathlib import Path

from simagents.errors import InputError
from simagents.files import matching
from simagents.scenarios.rollout_file import opened
from simagents.submission.entry import Entry, InRolloutFile
from simagents.submission.shards import Shards

NAMES = ("*.safetensors", "*.binproto*", "*.tar", "*.tar.gz", "*.tgz")
"""What is taken for rollouts in a folder."""


class Sources:
    """The entries of one or several paths, one at a time; may be iterated again.

    Damaged shards and archives do not stop it: `damage` has a sentence for each, and what can be
    read of them is yielded.
    """

    def __init__(self, *paths: Path):
        self.files = [file for path in paths for file in matching(path, NAMES)]
        self.damage: list[str] = []

    def __iter__(self) -> Iterator[Entry]:
        self.damage = []
        empty = True
        for path in self.files:
            for entry in self._entries(path):
                empty = False
                yield entry
        if empty:
            listed = ", ".join(map(str, self.files))
            reason = f"; {self.damage[0]}" if self.damage else "."
            raise InputError(f"{listed}: no rollouts{reason}")

    def _entries(self, path: Path) -> Iterator[Entry]:
        if path.suffix == ".safetensors":
            for scenario in opened(path).ids:
                yield InRolloutFile(scenario, path)
            return
        shards = Shards(path)
        yield from shards
        for report in shards.reports:
            if report.problem:
                inside = f"{path}, " if shards.archive else ""
                self.damage.append(f"{inside}{report.name}: {report.problem}")
        if shards.problem:
            self.damage.append(f"{path}: {shards.problem}")
