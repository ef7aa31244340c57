"""Where the seconds of a step go."""

from time import perf_counter

import torch
from torch import Tensor


class Stopwatch:
    """Laps by name, `seconds_…`; on a GPU a lap ends when its work is done, not when it is queued."""

    def __init__(self, device: torch.device):
        self.device = device
        self.laps: dict[str, Tensor] = {}
        self._since = self._now()

    def lap(self, name: str) -> None:
        """What has passed since the last lap, or the start, goes to `name`."""
        now = self._now()
        key = f"seconds_{name}"
        self.laps[key] = self.laps.get(key, torch.tensor(0.0)) + (now - self._since)
        self._since = now

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return perf_counter()
