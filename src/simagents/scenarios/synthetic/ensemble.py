"""Everyone in a scene, what the recording vehicle sees of them, and whom the log singles out."""

from dataclasses import dataclass, fields

import numpy as np

from simagents.scenarios.scenario import CURRENT, AgentType


@dataclass
class Ensemble:
    """A agents over T steps of 0.1 s, in the local frame."""

    kind: np.ndarray
    """[A]: AgentType"""
    size: np.ndarray
    """[A, 3]: length, width, height (m)"""
    pose: np.ndarray
    """[A, T, 3]: x, y (m), heading (rad)"""
    speed: np.ndarray
    """[A, T]: m/s along the heading"""
    valid: np.ndarray
    """[A, T]"""

    @staticmethod
    def of(*parts: "Ensemble") -> "Ensemble":
        """All agents of several ensembles, in order."""
        names = [field.name for field in fields(Ensemble)]
        return Ensemble(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))

    def __getitem__(self, rows) -> "Ensemble":
        return Ensemble(*(getattr(self, field.name)[rows] for field in fields(self)))


def undisturbed(walking: Ensemble, others: Ensemble) -> np.ndarray:
    """Rows of walkers who come close to no vehicle, and to no walker in a row before theirs.

    Walkers are planned without regard to anybody; a log in which they bump into each other would
    be a poor teacher. Looked at every 0.3 s.
    """
    feet, boxes = walking.pose[:, None, ::3, :2], others.pose[None, :, ::3]
    off = feet - boxes[..., :2]
    cos, sin = np.cos(boxes[..., 2]), np.sin(boxes[..., 2])
    half = others.size[None, :, None, :] / 2 + 0.6
    ahead = np.abs(off[..., 0] * cos + off[..., 1] * sin) < half[..., 0]
    aside = np.abs(off[..., 1] * cos - off[..., 0] * sin) < half[..., 1]
    free = ~(ahead & aside & others.valid[None, :, ::3]).any(axis=(1, 2))
    gap = feet - feet[:, 0][None]
    reach = (walking.size[:, None, 0] + walking.size[:, 0]) / 2 + 0.25
    meets = (np.hypot(gap[..., 0], gap[..., 1]) < reach[..., None]).any(axis=-1)
    kept: list[int] = []
    for row in np.flatnonzero(free):
        if not meets[row, kept].any():
            kept.append(row)
    return np.array(kept, int)


def observe(rng, everyone: Ensemble, fewest: int, most: int) -> tuple[Ensemble, int] | None:
    """What a recording vehicle sees, in random order, and its row; None where there is too little.

    The vehicle is one that is on the network all the time, if possible moves, and is near the
    middle. Others are seen within a range of their own, so that they appear late and vanish; some
    are hidden for a while.
    """
    whole = everyone.valid.all(axis=1) & (everyone.kind == AgentType.VEHICLE)
    if not whole.any():
        return None
    moved = np.hypot(*(everyone.pose[:, -1, :2] - everyone.pose[:, 0, :2]).T)
    away = np.hypot(*everyone.pose[:, CURRENT, :2].T)
    merit = (
        25.0 * (moved > 5.0) + 10.0 * (moved > 1.0) - away / 1.8 + rng.gumbel(0, 6.0, len(moved))
    )
    sdc = int(np.where(whole, merit, -np.inf).argmax())

    count = len(everyone.kind)
    reach = rng.uniform(55.0, 130.0, count) * np.where(everyone.kind == AgentType.VEHICLE, 1.0, 0.7)
    apart = everyone.pose[..., :2] - everyone.pose[sdc, :, :2]
    near = np.hypot(apart[..., 0], apart[..., 1]) < reach[:, None]
    step = np.arange(everyone.valid.shape[1])
    begin, lasts = rng.uniform(-20, 91, count), rng.uniform(5, 40, count)
    hidden = (step > begin[:, None]) & (step < (begin + lasts)[:, None])
    hidden &= (rng.random(count) < 0.12)[:, None]
    valid = everyone.valid & near & ~hidden
    valid[sdc] = True

    rows = np.flatnonzero(valid.sum(axis=1) >= 5)
    if len(rows) < fewest:
        return None
    rows = rng.permutation(rows)
    rows = np.concatenate([[sdc], rows[rows != sdc]])[:most]
    rows = rng.permutation(rows)
    seen = everyone[rows]
    seen.valid = valid[rows]
    return seen, int(np.flatnonzero(rows == sdc)[0])


def choose(rng, agents: Ensemble, sdc: int):
    """Up to eight agents to predict, [A], and sometimes a pair of them that is of interest, [A].

    Preferred are those that move and those of rarer types, and they have to be seen for a second or
    more after the current step.
    """
    seen = agents.valid[:, CURRENT] & (agents.valid[:, CURRENT + 1 :].sum(axis=1) >= 10)
    seen[sdc] = False
    moving = (agents.speed * agents.valid).max(axis=1) > 0.5
    merit = 3.0 * moving + 1.0 * (agents.kind != AgentType.VEHICLE) + rng.gumbel(0, 1.0, len(seen))
    order = np.argsort(-np.where(seen, merit, -np.inf))[: min(int(rng.integers(2, 9)), seen.sum())]
    to_predict = np.zeros(len(seen), bool)
    to_predict[order] = True
    of_interest = np.zeros(len(seen), bool)
    if len(order) >= 2 and rng.random() < 0.4:
        here = agents.pose[order, CURRENT, :2]
        gap = np.hypot(*(here[:, None] - here).transpose(2, 0, 1)) + 1e9 * np.eye(len(order))
        of_interest[order[list(np.unravel_index(gap.argmin(), gap.shape))]] = True
    return to_predict, of_interest
