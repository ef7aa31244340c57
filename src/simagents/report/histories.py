"""What runs logged while they trained, as tables."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from simagents.errors import InputError


def read_histories(
    paths: list[Path], columns: Collection[str] | None = None
) -> dict[str, pd.DataFrame]:
    """Logged numbers by run, indexed by step. Raises InputError where there are none.

    Of `columns` alone, where they are given: runs of a million steps would fill the memory otherwise.
    """
    histories = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; train the run first.")
        with path.open() as file:
            try:
                lines = [_chosen(json.loads(line), columns) for line in file]
            except ValueError as problem:
                raise InputError(
                    f"{path}: a line is no JSON ({problem}); train the run again."
                ) from None
        if not lines:
            raise InputError(f"{path}: the history is empty.")
        histories[path.parent.name] = pd.DataFrame(lines).set_index("step")
    return histories


def _chosen(row: dict[str, Any], columns: Collection[str] | None) -> dict[str, Any]:
    if columns is None:
        return row
    return {key: row[key] for key in ("step", *columns) if key in row}
