"""Where the seconds of a step go."""

from itertools import pairwise
from time import perf_counter

import torch
from torch import Tensor

Mark = float | torch.cuda.Event


class Stopwatch:
    """Laps by name. On a GPU they are times of the device: events that it passes on its way, and it
    is waited for when these are read, not at the end of each lap."""

    def __init__(self, device: torch.device):
        self.on_gpu = device.type == "cuda"
        self._marks: list[tuple[str, Mark]] = [("", self._now())]

    def lap(self, name: str) -> None:
        """What has passed since the last lap, or the start, goes to `name`."""
        self._marks.append((name, self._now()))

    @property
    def laps(self) -> dict[str, Tensor]:
        """Seconds of all laps so far as `seconds_…`; a GPU is waited for once."""
        if self.on_gpu:
            self._marks[-1][1].synchronize()
        sums: dict[str, Tensor] = {}
        for (_, before), (name, after) in pairwise(self._marks):
            seconds = before.elapsed_time(after) / 1e3 if self.on_gpu else after - before
            key = f"seconds_{name}"
            sums[key] = sums.get(key, torch.tensor(0.0)) + seconds
        return sums

    def _now(self) -> Mark:
        if not self.on_gpu:
            return perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event
