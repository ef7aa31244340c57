"""The log of a run: one JSON object for each step."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import TextIO

from simagents.errors import InputError
from simagents.files import UnwritableError, refusals, replacing

NAME = "history.jsonl"


def cut_back(folder: Path, first_step: int) -> None:
    """Drops the lines of a resume folder's log that the save of this step does not have.

    Raises InputError where steps before that one are missing.
    """
    path = folder / NAME
    old = path.read_text().splitlines() if path.exists() else []
    kept = [(step, line) for line in old for step in _step_of(line) if step < first_step]
    missing = sorted(set(range(first_step)).difference(step for step, _ in kept))
    if missing or len(kept) > first_step:
        what = (
            f"lack {len(missing)} of the steps before it, the first of them {missing[0]}"
            if missing
            else "have a step before it twice"
        )
        raise InputError(
            f"{path}: the save is of step {first_step}, and these lines {what}; remove"
            f" {folder} to train the run anew."
        )
    with refusals(path), replacing(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for _, line in kept))


def _step_of(line: str) -> list[int]:
    """None of a line that was not written whole."""
    try:
        return [json.loads(line)["step"]]
    except (ValueError, KeyError, TypeError):
        return []


class History:
    """Appends to the log in the resume folder, if this process writes it."""

    def __init__(self, folder: Path, writes: bool):
        self.path = folder / NAME
        self.writes = writes
        self.refused: UnwritableError | None = None
        """why a line could not be written: all processes must hear of it before one of them ends"""
        self._file: TextIO | None = None
        if writes:
            with self._remembering():
                self._file = self.path.open("a", buffering=1)

    def sync(self) -> None:
        """Have all lines on the disk, before a save that counts on them; raises what refused one."""
        if self.refused:
            raise self.refused
        if self.writes:
            with refusals(self.path):
                os.fsync(self._file.fileno())

    def add(self, step: int, **numbers: float) -> None:
        """`numbers` are logged with six significant digits, enough for figures."""
        if self.writes and not self.refused:
            row = {"step": step, **{key: float(f"{value:.6g}") for key, value in numbers.items()}}
            with self._remembering():
                self._file.write(json.dumps(row) + "\n")

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            with refusals(self.path):
                yield
        except UnwritableError as problem:
            self.refused = problem

    def export(self, path: Path) -> None:
        """Copy the finished history to the workflow's output."""
        if self.writes:
            with refusals(path), replacing(path) as temporary:
                temporary.write_text(self.path.read_text())

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            # A full disk refuses the last line once more; one report is enough.
            with suppress(OSError) if problem or self.refused else nullcontext():
                self._file.close()
