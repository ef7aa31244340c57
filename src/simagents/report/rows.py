"""The rows of a table or figure, as the workflow passes them on the command line."""

import json
from dataclasses import dataclass

from simagents.errors import InputError, unknown_key
from simagents.files import read_object
from simagents.planning.runs import BASELINE

UNTRAINED = f"{BASELINE}-"
"""Names of systems without training begin so."""
NO_CONTESTANT = f"{UNTRAINED}log"
"""The log is a ceiling: it is never the best of a column."""
ONE_SEED = "one seed"
"""What an interval covers where training has only one: scenarios, and nothing may be concluded."""
_KEYS = ("label", "systems", "published", "reconstruction", "imported", "shared")


@dataclass(frozen=True)
class Row:
    """One line of a table: the same recipe under every seed, or one system that has no seed."""

    label: str
    """LaTeX"""
    systems: tuple[str, ...]
    """names of the runs, one per seed; a single one of an import, a baseline or a shared stage"""
    published: str | None = None
    """what the published table calls it"""
    reconstruction: str | None = None
    """report on its tokens; only where the table shows something of them"""
    imported: bool = False
    """whether its model was trained elsewhere"""
    shared: str | None = None
    """the last stage on the way to these systems of which all seeds have the same run"""

    @property
    def untrained(self) -> bool:
        """Whether it is a baseline."""
        return self.systems[0].startswith(UNTRAINED)

    @property
    def trained(self) -> bool:
        """Whether runs of the workflow trained it, so that there are histories of it."""
        return not (self.imported or self.untrained)


def read_rows(text: str) -> list[Row]:
    """From a JSON list of objects with `label`, `systems` and, where there are any, `published`,
    `reconstruction`, `imported` and `shared`.

    Raises InputError where the text is anything else.
    """
    objects = read_object(text, "--rows", list)
    rows = []
    for entry in objects:
        if not isinstance(entry, dict):
            raise InputError(
                f"--rows: {json.dumps(entry)} is no object with `label` and `systems`."
            )
        for key in entry:
            if key not in _KEYS:
                raise unknown_key(key, "--rows", _KEYS)
        if not entry.get("label") or not entry.get("systems"):
            raise InputError(f"--rows: {json.dumps(entry)} lacks a label or systems.")
        rows.append(Row(**{**entry, "systems": tuple(entry["systems"])}))
    if not rows:
        raise InputError("--rows: the list is empty; a table needs at least one row.")
    return rows
