"""The log of a run: one JSON object for each step."""

import json
import os
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType

from simagents.errors import InputError
from simagents.files import refusals, replacing


class History:
    """Appends to a file in the resume folder; cut back to the step that training resumes from.

    Raises InputError where steps before that one are missing.
    """

    def __init__(self, folder: Path, first_step: int, writes: bool):
        self.path = folder / "history.jsonl"
        self.writes = writes
        if writes:
            old = self.path.read_text().splitlines() if self.path.exists() else []
            whole = ((json.loads(line)["step"], line) for line in old if line.endswith("}"))
            kept = [(step, line) for step, line in whole if step < first_step]
            self._check([step for step, _ in kept], first_step)
            with refusals(self.path), replacing(self.path) as temporary:
                temporary.write_text("".join(f"{line}\n" for _, line in kept))
            self._file = self.path.open("a", buffering=1)

    def _check(self, steps: list[int], first_step: int) -> None:
        missing = sorted(set(range(first_step)).difference(steps))
        if missing or len(steps) > first_step:
            what = (
                f"lack {len(missing)} of the steps before it, the first of them {missing[0]}"
                if missing
                else "have a step before it twice"
            )
            raise InputError(
                f"{self.path}: the save is of step {first_step}, and these lines {what}; remove"
                f" {self.path.parent} to train the run anew."
            )

    def sync(self) -> None:
        """Have all lines on the disk, before a save that counts on them."""
        if self.writes:
            with refusals(self.path):
                os.fsync(self._file.fileno())

    def add(self, step: int, **numbers: float) -> None:
        """`numbers` are logged with six significant digits, enough for figures."""
        if self.writes:
            row = {"step": step, **{key: float(f"{value:.6g}") for key, value in numbers.items()}}
            with refusals(self.path):
                self._file.write(json.dumps(row) + "\n")

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
        if self.writes:
            # A full disk refuses the last line once more; one report is enough.
            with suppress(OSError) if problem else nullcontext():
                self._file.close()
