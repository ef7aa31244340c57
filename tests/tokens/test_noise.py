"""Draws among the tokens that fit best."""

import pytest
import torch

from simagents.tokens.noise import AmongNearest


def draw(distance, uniform, nearest=3, temperature=1.0):
    numbers = torch.tensor([[uniform]], dtype=torch.float64)
    return AmongNearest(nearest, temperature, numbers)(torch.tensor([distance]), 0).item()


@pytest.mark.parametrize(
    ("uniform", "token"), [(0.0, 2), (0.66, 2), (0.67, 0), (0.91, 1), (0.9999, 1)]
)
def test_by_hand(uniform, token):
    """At 1, 2, 0 and 9 m, three nearest, a metre's temperature: token 2 has 1/(1+e^-1+e^-2) = 0.665,
    token 0 0.245, token 1 the rest.
    """
    assert draw([1.0, 2.0, 0.0, 9.0], uniform) == token


def test_cold_draws_are_the_nearest_and_hot_ones_even():
    distance = [1.0, 2.0, 0.5, 9.0]
    assert {draw(distance, u / 10, temperature=1e-5) for u in range(10)} == {2}
    counts = [draw(distance, (u + 0.5) / 30, temperature=1e5) for u in range(30)]
    assert [counts.count(token) for token in (0, 1, 2, 3)] == [10, 10, 10, 0]


def test_padding_is_never_drawn():
    far = float("inf")
    assert {draw([1.0, far, far], u / 100) for u in range(100)} == {0}
    assert draw([1.0, far, far], 1 - 2**-53) == 0
