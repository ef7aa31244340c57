"""What a check found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    state: Literal["ok", "warn", "fail"]
    """fail: the chosen plan would stop there; warn: it would run, and something would be worse"""
    what: str
    """what was looked at, in a word or two"""
    says: str
    """what was found and, unless all is well, what to do"""

    def __str__(self) -> str:
        return f"{self.state:4}  {self.what:13}  {self.says}"
