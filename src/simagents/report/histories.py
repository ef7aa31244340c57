"""What runs logged while they trained, as tables."""

import json
from pathlib import Path

import pandas as pd

from simagents.errors import InputError


def read_histories(paths: list[Path]) -> dict[str, pd.DataFrame]:
    """Logged numbers by run, indexed by step. Raises InputError where there are none."""
    histories = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; train the run first.")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        if not lines:
            raise InputError(f"{path}: the history is empty.")
        histories[path.parent.name] = pd.DataFrame(lines).set_index("step")
    return histories
