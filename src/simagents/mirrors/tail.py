"""New lines of a run's history, while the run writes it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simagents.errors import InputError


@dataclass
class Tail:
    """Gives each step of a history once.

    A run that resumes replaces its history by one without the steps that it repeats. As a repeated step
    gives the same numbers, it is not given again.
    """

    path: Path
    step: int = -1
    """the last that was given"""
    _file: tuple[int, int] = (0, 0)
    """device and number of the file, which is another one after the run has resumed"""
    _place: int = 0

    def new(self) -> list[dict[str, Any]]:
        """Rows since the last call; a line that is not yet complete waits for the next.

        Raises InputError where a line is no row of numbers.
        """
        with self.path.open("rb") as file:
            found = os.fstat(file.fileno())
            same = (found.st_dev, found.st_ino) == self._file and found.st_size >= self._place
            if not same:
                self._file, self._place = (found.st_dev, found.st_ino), 0
            file.seek(self._place)
            *lines, _ = file.read().split(b"\n")
        self._place += sum(len(line) + 1 for line in lines)
        rows = [self._row(line) for line in lines]
        rows = [row for row in rows if row["step"] > self.step]
        if rows:
            self.step = rows[-1]["step"]
        return rows

    def _row(self, line: bytes) -> dict[str, Any]:
        try:
            row = json.loads(line)
            numbers = {name: float(value) for name, value in row.items()}
            return {**numbers, "step": int(row["step"])}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(
                f"{self.path}: {line[:60].decode(errors='replace')!r} is no row of a history; name folders"
                " of runs, such as resume or results/demo/runs."
            ) from None
