"""Cases by number: the same on every machine, and each can be repeated alone.

SIMAGENTS_FUZZ=20 pytest tests/fuzz             # twenty times as many
SIMAGENTS_FUZZ_CASE=17 pytest tests/fuzz -k …   # the one that a failure names
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from simagents.errors import InputError

FACTOR = float(os.environ.get("SIMAGENTS_FUZZ", "1"))
ONLY = os.environ.get("SIMAGENTS_FUZZ_CASE")


@dataclass
class Case:
    """One damaged input in the making."""

    kind: str
    number: int
    draw: Random = field(init=False)
    changes: list[str] = field(default_factory=list)
    """what has been done to the input, for whoever reads the failure"""

    def __post_init__(self):
        self.draw = Random(f"{self.kind} {self.number}")


def numbers(count: int) -> Iterable[int]:
    """The numbers of the cases: `count`, times the factor, or one alone."""
    return [int(ONLY)] if ONLY else range(max(1, round(count * FACTOR)))


def fuzz(kind: str, count: int, attempt: Callable[[Case], object]) -> Counter:
    """How many cases were refused by InputError and how many were used; anything else is raised.

    `attempt` damages an input by the case's draws and uses it as far as it can be used. Where there
    are enough cases both must occur, or the damage would be too great or none.
    """
    counts: Counter = Counter()
    for number in numbers(count):
        case = Case(kind, number)
        try:
            attempt(case)
        except InputError as problem:
            counts["refused"] += 1
            if not str(problem):
                raise ValueError(f"case {number} of {kind}: an error without a word") from problem
        except Exception as problem:
            problem.add_note(
                f"case {number} of {kind}: {'; '.join(case.changes)}\n"
                f"SIMAGENTS_FUZZ_CASE={number} repeats it alone."
            )
            raise
        else:
            counts["used"] += 1
    print(f"{kind}: {dict(counts)}")
    if counts.total() >= 20:
        assert counts["refused"] > 0, "the damage is none"
        assert counts["used"] > 0, "the damage is too great"
    return counts
