"""Plane curves from which roads are drawn.

A *curve* is [n, 3]: x, y (m) and heading (rad, unwrapped); *points* are [n, 2]. Left is positive.
"""

from functools import cache
from math import ceil, comb

import numpy as np


def straight_then_bend(start, heading, length, bend, calm, step=1.5):
    """A curve that is straight for `calm` metres and then turns at up to `bend` (1/m).

    Curvature rises and falls as one sine wave's half, so that it is continuous where roads meet.
    """
    count = max(2, ceil(length / step) + 1)
    s = np.linspace(0.0, length, count)
    wave = np.sin(np.clip((s - calm) / max(length - calm, 1.0), 0.0, 1.0) * np.pi)
    turn = bend * wave
    ds = s[1] - s[0]
    angle = heading + np.concatenate([[0.0], np.cumsum((turn[1:] + turn[:-1]) * (ds / 2))])
    middle = (angle[1:] + angle[:-1]) / 2
    curve = np.empty((count, 3))
    curve[0, :2] = start
    curve[1:, 0] = start[0] + np.cumsum(np.cos(middle)) * ds
    curve[1:, 1] = start[1] + np.cumsum(np.sin(middle)) * ds
    curve[:, 2] = angle
    return curve


def beside(curve, left):
    """Points at a distance `left` (m, a number or one per point) to the left of a curve."""
    points = np.empty((len(curve), 2))
    points[:, 0] = curve[:, 0] - left * np.sin(curve[:, 2])
    points[:, 1] = curve[:, 1] + left * np.cos(curve[:, 2])
    return points


def pose_beside(pose, left, ahead=0.0, turn=0.0):
    """The pose `left` and `ahead` of a pose (x, y, heading), turned by `turn`."""
    x, y, heading = pose
    cos, sin = np.cos(heading), np.sin(heading)
    return x + ahead * cos - left * sin, y + ahead * sin + left * cos, heading + turn


@cache
def _bernstein(count):
    """Values of the six quintic Bernstein polynomials, [count, 6]."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    k = np.arange(6)
    return np.array([comb(5, i) for i in range(6)]) * t**k * (1 - t) ** (5 - k)


def connect(start, end, step=1.0, reach=0.24):
    """Points of a smooth way from one pose (x, y, heading) to another, ends included exactly.

    A quintic Bezier curve whose curvature is zero at both ends: steering never jumps where it joins
    a straight lane. `reach` scales its handles by the distance of the ends.
    """
    p, q = np.array(start[:2]), np.array(end[:2])
    chord = np.hypot(*(q - p))
    first = np.array([np.cos(start[2]), np.sin(start[2])]) * (reach * chord)
    last = np.array([np.cos(end[2]), np.sin(end[2])]) * (reach * chord)
    control = np.array([p, p + first, p + 2 * first, q - 2 * last, q - last, q])
    points = _bernstein(max(3, ceil(chord * 1.15 / step) + 1)) @ control
    points[0], points[-1] = p, q
    return points


def arc(centre, radius, start, end, step=1.0):
    """Points on a circle from angle `start` to angle `end` (rad; clockwise where end < start)."""
    count = max(3, ceil(abs(end - start) * radius / step) + 1)
    angle = np.linspace(start, end, count)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius + centre
    return points


def line(start, end, step=1.0):
    """Points on a straight line, ends included."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    count = max(2, ceil(np.hypot(*(end - start)) / step) + 1)
    return start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)


def join(*pieces):
    """One polyline from several, each beginning where the one before ended or not."""
    kept = [pieces[0]]
    for piece in pieces[1:]:
        touching = np.abs(piece[0] - kept[-1][-1]).max() < 0.05
        kept.append(piece[1:] if touching else piece)
    return np.concatenate(kept)


def lengths(points):
    """Arc length at each point of a polyline, from 0."""
    step = np.diff(points, axis=0)
    return np.concatenate([[0.0], np.cumsum(np.hypot(step[:, 0], step[:, 1]))])


def shifted(points, left):
    """A polyline moved `left` metres sideways, its normals taken from its own chords."""
    chord = np.empty_like(points)
    chord[1:-1] = points[2:] - points[:-2]
    chord[0], chord[-1] = points[1] - points[0], points[-1] - points[-2]
    chord /= np.hypot(chord[:, 0], chord[:, 1])[:, None]
    return points + left * np.stack([-chord[:, 1], chord[:, 0]], axis=1)
