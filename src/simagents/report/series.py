"""Colours and symbols that tell systems apart, also for readers who see fewer colours, and in print without."""

from typing import NamedTuple

import seaborn as sns

MARKERS = "osD^vP*X"
_COLOURS = 10
"""Of seaborn's palette for readers who see fewer colours."""
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (4, 1, 1, 1)))


Dash = str | tuple[int, tuple[float, ...]]
"""A line style of matplotlib."""


class Series(NamedTuple):
    """How one of several systems is drawn."""

    colour: tuple[float, float, float]
    marker: str
    dash: Dash
    """solid while there are colours left"""


def series(count: int) -> list[Series]:
    """Each has another pair of colour and symbol, up to 40, and another pair of colour and dashes."""
    palette = sns.color_palette("colorblind", _COLOURS)
    return [
        Series(
            palette[number % _COLOURS],
            MARKERS[number % len(MARKERS)],
            _DASHES[number // _COLOURS % len(_DASHES)],
        )
        for number in range(count)
    ]
