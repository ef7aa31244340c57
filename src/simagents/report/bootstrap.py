"""How sure one can be that two systems differ, from scores on the same scenarios."""

import numpy as np
from jaxtyping import Float64

RESAMPLES = 5_000
LEVEL = 0.95
_BLOCK = 2_000_000
"""drawn scenarios held in memory at once"""


def paired_intervals(
    scores: Float64[np.ndarray, "N R"], pairs: list[tuple[int, int]]
) -> list[tuple[float, float]]:
    """Percentile intervals of the mean of column a minus column b, for each pair (a, b).

    Efron & Tibshirani 1993, ch. 13. All columns are resampled with the same scenarios, which is
    what makes the comparison paired. Random numbers are Philox with key 0: equal scores give equal
    intervals. The interval covers the choice of scenarios and not that of training seeds.

    N scenarios, R rows of a table, each averaged over its seeds. NaN wherever a column has one.
    """
    generator = np.random.Generator(np.random.Philox(0))
    count = len(scores)
    block = max(1, _BLOCK // count)
    means = np.concatenate(
        [
            scores[generator.integers(count, size=(min(block, RESAMPLES - first), count))].mean(
                axis=1
            )
            for first in range(0, RESAMPLES, block)
        ]
    )
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return [tuple(np.quantile(means[:, a] - means[:, b], tails).tolist()) for a, b in pairs]
