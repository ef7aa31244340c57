"""What LaTeX complained of: a reference to nothing is an error, a box beyond its line a warning."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from simagents.errors import InputError

VISIBLE = 5.0
"""Points by which a box may be too wide: less is not seen."""
_UNDEFINED = re.compile(r"(?:Reference|Citation) `([^']+)'.{0,40}?undefined", re.DOTALL)
_OVERFULL = re.compile(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\).*")


@dataclass
class Args:
    """Check the log of LaTeX."""

    log: Annotated[Path, tyro.conf.Positional]
    """of the last run"""


def main(args: Args) -> None:
    """Print boxes that are too wide. Raises InputError where a reference is not defined."""
    if not args.log.exists():
        raise InputError(f"{args.log}: there is no such file; typeset the paper first.")
    text = args.log.read_text(encoding="utf-8", errors="replace")
    if "Output written on" not in text:
        raise InputError(
            f"{args.log}: LaTeX has not ended with a document, or this is not its log."
        )
    for line in overfull(text):
        print(line)
    if missing := undefined(text):
        raise InputError(
            f"{args.log}: not defined: {', '.join(missing)}; this scale may lack the "
            "exhibit: name it inside of \\ifinpaper."
        )


def undefined(log: str) -> list[str]:
    """Names of labels and citations that there are not. LaTeX breaks its lines anywhere."""
    return list(dict.fromkeys(name.replace("\n", "") for name in _UNDEFINED.findall(log)))


def overfull(log: str) -> list[str]:
    """Complaints about boxes that are visibly too wide or too high."""
    return [found[0] for found in _OVERFULL.finditer(log) if float(found[1]) > VISIBLE]
