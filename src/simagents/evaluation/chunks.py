"""The part of a long evaluation that one job does."""

import numpy as np
from jaxtyping import Int64

from simagents.errors import InputError


def rows_of_chunk(scenarios: int, limit: int, chunk: int, chunks: int) -> Int64[np.ndarray, "n"]:
    """Numbers of the scenarios of a chunk, of the first `limit` ones or, for 0, of all.

    Raises InputError for a chunk that does not exist and for a negative limit.
    """
    if limit < 0:
        raise InputError(f"--limit is {limit}; give a number of scenarios, or 0 for all.")
    if not 0 <= chunk < chunks:
        raise InputError(f"--chunk is {chunk} and must be at least 0 and below --chunks.")
    return np.array_split(np.arange(scenarios)[: limit or None], chunks)[chunk]
