"""Time to collision by hand: two cars of 4 x 2 m, the second one ahead."""

from math import pi, radians

import pytest
import torch

from simagents.metrics.collision_time import LONGEST, time_to_collision
from simagents.metrics.concatenation import Pairs


def both(x=(0, 20), y=(0, 0), heading=(0, 0), speed=(10, 5), valid=None, size=(4, 2, 1.5)):
    """Of the first agent in one rollout, at the last two of three steps of 0.1 s."""
    now = torch.tensor([x, y, heading], dtype=torch.float64)
    speed = torch.tensor(speed, dtype=torch.float64)
    way = torch.stack([now[2].cos() * speed, now[2].sin() * speed, torch.zeros(len(x))]) / 10
    poses = torch.stack([now - way, now, now + way], dim=-1).float()[:, :, None]
    return time_to_collision(
        poses,
        torch.tensor([size] * len(x)),
        torch.tensor([0]),
        Pairs.of(torch.arange(len(x))[None] > 0),
        None if valid is None else torch.tensor(valid)[:, None].expand(-1, 2),
    )[0, 0].tolist()


def seconds(**change):
    """Of the first agent at the middle step."""
    return both(**change)[0]


def test_by_hand():
    """The gap is 20 - 2 - 2 = 16 m and closes at 5 m/s."""
    assert seconds() == pytest.approx(16 / 5)


@pytest.mark.parametrize(
    "change",
    [
        {"speed": (10, 10)},
        {"speed": (5, 10)},
        {"x": (0, -20)},
        {"x": (0, 3)},  # overlapping: nobody is ahead
        {"y": (0, 2)},  # side by side without overlap
        {"valid": [True, False]},
        {"heading": (0, radians(76))},
        {"x": (0, 400)},  # further than five seconds
        {"x": (0,), "y": (0,), "heading": (0,), "speed": (10,)},
    ],
)
def test_no_collision_in_sight(change):
    assert seconds(**change) == LONGEST


def test_the_last_step_has_no_speed_and_so_no_collision():
    assert both() == [pytest.approx(16 / 5), LONGEST]


def test_an_invalid_follower_still_follows():
    assert seconds(valid=[False, True]) == pytest.approx(16 / 5)


def test_a_small_overlap_counts_when_headings_agree():
    """1.8 m aside leaves 0.2 m of overlap; at 20 degrees the length adds 0.34 x 2 - 0.06 m to it.

    At 10.5 degrees the overlap is 0.2 + 2 sin - (1 - cos) = 0.55 m: more than half a metre.
    At 9 degrees it is 0.50 m, and headings agree. Exactly sideways boxes of 2 x 2 m never agree.
    """
    assert seconds(y=(0, 1.8)) < LONGEST
    assert seconds(y=(0, 1.8), heading=(0, radians(10.5))) < LONGEST
    assert seconds(y=(0, 1.95), heading=(0, radians(10.5))) == LONGEST  # 0.40 m
    assert seconds(y=(0, 1.95), heading=(0, radians(9.5))) < LONGEST


def test_headings_on_either_side_of_pi_do_not_follow():
    """The official difference of headings is not wrapped: nearly 2 pi here."""
    west = {"x": (20, 0), "speed": (10, 5)}
    assert seconds(**west, heading=(pi - 0.01, pi - 0.02)) == pytest.approx(16 / 5, rel=1e-2)
    assert seconds(**west, heading=(pi - 0.01, 0.01 - pi)) == LONGEST


def test_the_nearest_of_several_leads():
    """The second is nearer but the third would be hit sooner."""
    several = {"y": (0, 0, 0), "heading": (0, 0, 0)}
    assert seconds(x=(0, 20, 30), speed=(10, 8, 0), **several) == pytest.approx(LONGEST)
    assert seconds(x=(0, 30, 20), speed=(10, 0, 8), **several) == pytest.approx(LONGEST)
    assert seconds(x=(0, 20, 30), speed=(10, 6, 0), **several) == pytest.approx(16 / 4)


def test_the_first_of_equals_leads():
    """Two on top of each other: the one that comes first in the scenario counts."""
    several = {"x": (0, 20, 20), "y": (0, 0, 0), "heading": (0, 0, 0)}
    assert seconds(speed=(10, 6, 0), **several) == pytest.approx(16 / 4)
    assert seconds(speed=(10, 2, 6), **several) == pytest.approx(16 / 8)


def test_crossing_agents_show_their_length():
    """A leader at 60 degrees takes 2 cos + sin = 1.866 m of the way instead of 2 m."""
    found = seconds(heading=(0, radians(60)))
    assert found == pytest.approx((20 - 2 - 2 * 0.5 - 0.8660254) / 5, rel=1e-6)
