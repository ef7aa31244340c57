"""What the training loop calls of an algorithm."""

from typing import Any

from torch import Tensor

from simagents.training.data.batches import Batch

Stats = dict[str, Tensor]
"""Numbers to log: shares that add up over micro-batches and processes, and `seconds_…`."""


class Learner:
    """One algorithm, ready to turn micro-batches into losses.

    In every step the loop calls `prepare`, then in each of `passes` rounds `loss` for all
    micro-batches and one update, then `follow`. Most algorithms need `counts` and `loss` alone.
    """

    passes: int = 1
    """updates a step, each from all of its micro-batches"""

    def prepare(self, batches: list[Batch]) -> Stats:
        """Work on all of this process's micro-batches before the first loss, without gradients."""
        return {}

    def counts(self, batch: Batch) -> int:
        """What this micro-batch adds to the total that the loss averages over."""
        raise NotImplementedError

    def loss(self, batch: Batch, total: float) -> tuple[Tensor, Stats]:
        """The micro-batch's part of the global mean, and its part of the numbers to log."""
        raise NotImplementedError

    def follow(self, numbers: dict[str, float]) -> None:
        """Take in what the finished step logged, summed over all processes."""

    def state(self) -> dict[str, Any]:
        """What a resumed run needs beyond weights and step, the same on all processes."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from such a state."""
