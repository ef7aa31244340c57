"""The symbols: 0.5 s motions per class of agent, and 5 m pieces of map."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float32, Int64
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from simagents.errors import InputError
from simagents.files import replacing
from simagents.geometry import box_corners
from simagents.scenarios.agent_class import reference_size

SUBSTEPS = 5
"""Log steps of 0.1 s in a token."""
TOKEN_STEPS = 18
"""Tokens of a scenario: steps 5, 10, …, 90; the first two are history."""
HISTORY_TOKENS = 2
MAP_POINTS = 11
"""Points of a map token, 0.5 m apart."""
MOST_TOKENS = 2**15
"""Tokenised shards hold numbers of tokens as int16."""


@dataclass(frozen=True)
class Vocabulary:
    """Motion tokens of the three classes and map tokens.

    V motion tokens at most, M map tokens. Classes with fewer than V tokens are padded with token 0.
    """

    motion: Float32[Tensor, "3 V 6 3"]
    """x, y, heading at 0, 0.1, …, 0.5 s in the frame of the pose at 0 s"""
    count: Int64[Tensor, "3"]
    """how many of the V tokens each class has"""
    map: Float32[Tensor, "M 11 2"]
    """points in the frame of the first point and the direction of the first 0.5 m"""

    def __post_init__(self) -> None:
        if max(self.size, len(self.map)) > MOST_TOKENS:
            raise InputError(
                f"a vocabulary of {self.size} motions a class and {len(self.map)} pieces of map;"
                f" at most {MOST_TOKENS} of each can be numbered."
            )

    @cached_property
    def size(self) -> int:
        return self.motion.shape[1]

    @cached_property
    def end_box(self) -> Float32[Tensor, "3 V 4 2"]:
        """Corners of the reference box at the end of each motion token."""
        size = reference_size(self.motion.device)[:, None]
        return box_corners(self.motion[:, :, -1], size[..., 0], size[..., 1])

    @cached_property
    def absent(self) -> Tensor:
        """[3, V] bool: padding, which no policy may choose."""
        return torch.arange(self.size, device=self.count.device) >= self.count[:, None]

    @cached_property
    def digest(self) -> str:
        """Of all its numbers."""
        content = hashlib.sha256()
        for numbers in (self.motion, self.count, self.map):
            content.update(numbers.cpu().contiguous().numpy().tobytes())
        return content.hexdigest()[:16]

    def to(self, device: torch.device) -> "Vocabulary":
        return Vocabulary(self.motion.to(device), self.count.to(device), self.map.to(device))

    def write(self, path: Path) -> None:
        with replacing(path) as temporary:
            save_file({"motion": self.motion, "count": self.count, "map": self.map}, temporary)

    @staticmethod
    def read(path: Path) -> "Vocabulary":
        """Raises InputError where the file is absent or not a vocabulary."""
        try:
            return Vocabulary(**load_file(path))
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such vocabulary file.") from None
        except (SafetensorError, TypeError) as problem:
            raise InputError(f"{path}: not a vocabulary of this project ({problem}).") from None
