"""Preparation of logged tracks for tokens: gaps filled, headings repaired, histories completed."""

import numpy as np
from jaxtyping import Bool, Float

from simagents.geometry import wrap_angle
from simagents.scenarios.scenario import CURRENT, STEP_SECONDS, Scenario
from simagents.tokens.vocabulary import SUBSTEPS

HEADING_JUMP = 1.5
"""A change of heading between two steps (rad) that is taken for a fault of the log, as in CAT-K."""

Poses = Float[np.ndarray, "A T 3"]
Valid = Bool[np.ndarray, "A T"]


def clean_tracks(
    scenario: Scenario, rows: np.ndarray, origin: np.ndarray, *, extended: bool = True
) -> tuple[Poses, Valid]:
    """Poses (x, y, heading) of the agents in `rows`, in metres from `origin`, and their validity.

    As the preprocessing of CAT-K (Zhang et al. 2025, arXiv:2412.05334) does it: positions and
    unwrapped headings are interpolated over gaps, jumps of the heading are held back, and a track
    is extended backwards at constant velocity to the previous token boundary, so that every agent
    seen at the current step has a history token. Without `extended` a track ends where the log does.
    T = 91 steps of 0.1 s.
    """
    pose = np.zeros((len(rows), scenario.valid.shape[1], 3))
    valid = np.zeros(pose.shape[:2], dtype=bool)
    for out, row in enumerate(rows):
        seen = np.flatnonzero(scenario.valid[row])
        span = np.arange(seen[0], seen[-1] + 1)
        position = scenario.position[row, seen, :2].astype(np.float64) - origin
        heading = np.unwrap(scenario.heading[row, seen].astype(np.float64))
        pose[out, span, 0] = np.interp(span, seen, position[:, 0])
        pose[out, span, 1] = np.interp(span, seen, position[:, 1])
        pose[out, span, 2] = np.interp(span, seen, heading)
        valid[out, span] = True
        if extended:
            velocity = scenario.velocity[row, seen[0]].astype(np.float64)
            _extend_back(pose[out], valid[out], int(seen[0]), velocity)
    _hold_heading(pose, valid)
    pose[..., 2] = wrap_angle(pose[..., 2])
    return pose, valid


def interpolated_height(scenario: Scenario, rows: np.ndarray) -> Float[np.ndarray, "A T"]:
    """z of the agents in `rows` (m), linear over gaps, held before the first and after the last."""
    steps = np.arange(scenario.valid.shape[1])
    height = [
        np.interp(steps, np.flatnonzero(seen), z[seen])
        for seen, z in zip(scenario.valid[rows], scenario.position[rows, :, 2], strict=True)
    ]
    return np.array(height, dtype=np.float64).reshape(len(rows), len(steps))


def _extend_back(pose: np.ndarray, valid: np.ndarray, first: int, velocity: np.ndarray) -> None:
    back = SUBSTEPS if first == CURRENT else first % SUBSTEPS
    steps = np.arange(first - back, first)
    pose[steps] = pose[first]
    pose[steps, :2] += (steps - first)[:, None] * STEP_SECONDS * velocity
    valid[steps] = True


def _hold_heading(pose: np.ndarray, valid: np.ndarray) -> None:
    for t in range(1, pose.shape[1]):
        change = np.abs(wrap_angle(pose[:, t, 2] - pose[:, t - 1, 2]))
        jump = valid[:, t] & valid[:, t - 1] & (change > HEADING_JUMP)
        pose[jump, t, 2] = pose[jump, t - 1, 2]
