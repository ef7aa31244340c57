"""When a goal counts as reached, and what is counted of a scenario."""

import numpy as np
import torch

from simagents.metrics.goals import goal_scores, passed, reached, within


def drive(*ends, steps=80):
    """Straight from the origin eastwards to each end (m) in even steps; [R, 1, 80, 4]."""
    share = torch.arange(1, steps + 1) / steps
    rollouts = torch.zeros(len(ends), 1, steps, 4)
    rollouts[:, 0, :, 0] = torch.tensor(ends)[:, None] * share
    return rollouts


def test_hard_is_the_end_and_soft_is_any_time_by_hand():
    """A goal 40 m ahead; ends 41.9 m (both), 80 m (passed only: at 40 m after half of the steps) and 37.9 m
    (neither, 2.1 m short)."""
    near = within(drive(41.9, 80.0, 37.9)[:, 0, :, :2], torch.tensor([[40.0, 0.0]]))
    assert passed(near).tolist() == [True, True, False]
    assert reached(near).tolist() == [True, False, False]


def test_counts_by_hand():
    """Two agents with goals and one without. The first one ends at, passes, and misses its goal in three
    rollouts; the second one stands at the origin, 2 m from its goal, and is at it all the time."""
    first = drive(41.9, 80.0, 37.9)
    trajectories = torch.cat([first, drive(0.0, 0.0, 0.0), drive(1.0, 1.0, 1.0)], dim=1)
    goals = np.array([[40.0, 0.0], [0.0, 2.0], [np.nan, np.nan]])
    expected = {
        "goal_agents": 2.0,
        "goal_reached": 1 / 3 + 1,
        "goal_passed": 2 / 3 + 1,
        "goal_missed": 1 / 3,
        "goal_missed_by_all": 0.0,
    }
    scores = goal_scores(trajectories, goals)
    assert scores.keys() == expected.keys()
    assert np.allclose(list(scores.values()), list(expected.values()))
    far = goal_scores(trajectories[:, :1], np.array([[0.0, 50.0]]))
    assert (far["goal_missed"], far["goal_missed_by_all"]) == (1.0, 1.0)


def test_a_scene_without_goals_counts_nobody():
    assert not any(goal_scores(drive(5.0), np.full((1, 2), np.nan)).values())


def test_frames_and_order_of_agents_change_nothing():
    """Moved by 8 km, where float32 still has a millimetre, and agents in another order."""
    generator = torch.Generator().manual_seed(0)
    trajectories = torch.randn(4, 6, 80, 4, generator=generator).cumsum(dim=2)
    goals = trajectories[0, :, 50, :2].double().numpy() + 1.0
    goals[2] = np.nan
    scores = goal_scores(trajectories, goals)
    order = torch.randperm(6, generator=generator)
    away = trajectories[:, order].clone()
    away[..., :2] += 8000.0
    assert goal_scores(away, goals[order] + 8000.0) == scores
