"""When agents look around."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Looking:
    """At the current step, and evenly around it."""

    every: int
    """moments from one look to the next"""
    history: int
    """moments up to the current step, which is the last of them"""

    def among(self, moments: int) -> slice:
        """Which of the first moments are looks."""
        return slice((self.history - 1) % self.every, moments, self.every)

    @property
    def past(self) -> int:
        """Looks up to the current step, which is the last of them."""
        return len(range(*self.among(self.history).indices(self.history)))
