"""Random numbers that are a function of what they are for.

A rollout must not depend on batch size, chunking, order, or the number of workers. So every draw is
a hash of its coordinates (seed, scenario, rollout, step, agent), not the next number of a stream.
"""

import hashlib

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def key_of(text: str) -> int:
    """A 64-bit key for a name, the same on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def hashed(*coordinates: int | np.ndarray) -> np.ndarray | np.uint64:
    """64 random bits for every point of the broadcast coordinates (integers below 2^64).

    A chain of the finaliser of SplitMix64 (Steele, Lea, Flood 2014), one round a coordinate.
    """
    state = np.uint64(0)
    with np.errstate(over="ignore"):
        for coordinate in coordinates:
            state = (state ^ np.asarray(coordinate, dtype=np.uint64)) + _GOLDEN
            state = (state ^ (state >> np.uint64(30))) * _MIX_1
            state = (state ^ (state >> np.uint64(27))) * _MIX_2
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(*coordinates: int | np.ndarray) -> np.ndarray | np.float64:
    """Numbers in [0, 1), float64 with 53 random bits, one for every point of the coordinates."""
    return (hashed(*coordinates) >> np.uint64(11)) * 2.0**-53


def generator(*coordinates: int) -> np.random.Generator:
    """A stream for work that needs many numbers at one point, such as a permutation."""
    return np.random.Generator(np.random.Philox(int(hashed(*coordinates))))
