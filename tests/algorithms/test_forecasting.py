"""Learning several possible futures from one."""

import torch

from simagents.algorithms.forecasting import mean_over_seen, nearest_mode, of_mode


def test_the_nearest_mode_is_the_one_with_the_least_sum_over_the_moments_that_were_seen():
    """Mode 0 is off by 1 + 1, mode 1 by 0 + 3, of which the second moment was not seen."""
    away = torch.tensor([[[1.0, 1.0], [0.0, 3.0]]])
    assert nearest_mode(away, torch.tensor([[True, True]])).tolist() == [0]
    assert nearest_mode(away, torch.tensor([[True, False]])).tolist() == [1]


def test_the_rows_of_a_mode_are_its_own():
    rows = torch.arange(12.0).view(2, 3, 2)
    assert of_mode(rows, torch.tensor([2, 0])).tolist() == [[4.0, 5.0], [6.0, 7.0]]


def test_a_mean_leaves_out_what_was_not_seen_and_is_0_of_nothing():
    terms = torch.tensor([[1.0, 3.0], [torch.nan, torch.inf]])
    seen = torch.tensor([[True, True], [False, False]])
    assert mean_over_seen(terms, seen).tolist() == [2.0, 0.0]
