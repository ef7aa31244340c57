"""The numbers that a WOMD record may hold: what lies outside is damage and is refused by name."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from simagents.errors import InputError

LARGEST_COORDINATE = 1e6
"""Metres from the origin of the frame on each axis. WOMD reaches tens of kilometres; from here on
float32, in which the metric is defined, knows places to a decimetre at best."""
LONGEST_FEATURE = 1e5
"""Metres between the points of one map feature on each axis; the longest roads of WOMD have a few
kilometres, and cutting a crosswalk of more than this into pieces would exhaust a machine."""
STATE = {
    # field of ObjectState: smallest and largest value that is believed
    "center_x": (-LARGEST_COORDINATE, LARGEST_COORDINATE),
    "center_y": (-LARGEST_COORDINATE, LARGEST_COORDINATE),
    "center_z": (-LARGEST_COORDINATE, LARGEST_COORDINATE),
    "length": (0.0, 1e2),
    "width": (0.0, 1e2),
    "height": (0.0, 1e2),
    "heading": (-1e3, 1e3),  # rad; WOMD does not wrap, but nobody turns a hundred times
    "velocity_x": (-1e4, 1e4),  # m/s; WOMD's noise reaches tens beyond any vehicle's speed
    "velocity_y": (-1e4, 1e4),
}
"""Columns of a table of states, in order. Only damage is outside: a log with ordinary noise, or an
agent without a size, stays in."""
_LOWEST, _HIGHEST = np.array(list(STATE.values())).T


def plausible_states(
    states: Float64[np.ndarray, "A T 9"],
    valid: Bool[np.ndarray, "A T"],
    track_id: Sequence[int],
    where: str,
) -> Float64[np.ndarray, "A T 9"]:
    """The states (columns: `STATE`), with 0 for what invalid ones hold outside the limits.

    WOMD's own invalid states hold zeros and small numbers, which the official metric reads now and
    then and which therefore stay. Raises InputError, naming track, step and field, for a valid state
    that is NaN, infinite or outside.
    """
    inside = (states >= _LOWEST) & (states <= _HIGHEST)  # False for NaN
    wrong = np.argwhere(~inside & valid[..., None])
    if len(wrong):
        row, step, column = wrong[0].tolist()
        name, (low, high) = list(STATE.items())[column]
        raise InputError(
            f"{where}: track {track_id[row]} has {name} = {states[row, step, column]:g} at step"
            f" {step}, which is valid; values from {low:g} to {high:g} are plausible."
        )
    return np.where(inside, states, 0.0)


def check_points(points: Float64[np.ndarray, "n 3"], what: str) -> None:
    """Raises InputError for a point that is NaN, infinite or absurdly far: `what`, and its number."""
    inside = (np.abs(points) <= LARGEST_COORDINATE).all(axis=1)
    if not inside.all():
        number = int(np.argmin(inside))
        place = ", ".join(f"{value:g}" for value in points[number])
        raise InputError(
            f"{what} {number} is at ({place}); coordinates up to {LARGEST_COORDINATE:g} m from the"
            " frame's origin are plausible."
        )


def check_extent(points: Float64[np.ndarray, "n 3"], what: str) -> None:
    """Raises InputError for a map feature that is longer than LONGEST_FEATURE."""
    if len(points) and (extent := float(np.ptp(points, axis=0).max())) > LONGEST_FEATURE:
        raise InputError(
            f"{what} extends over {extent:g} m; up to {LONGEST_FEATURE:g} m is plausible."
        )


def known(kind: Any, value: int) -> int:
    """The value of an enumeration, or 0 (not known) for one that the schema does not list.

    So does the official schema's parser: proto2 takes a field with an unlisted value for absent.
    """
    return value if value > 0 and value in kind.__members__.values() else 0
