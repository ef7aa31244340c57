"""Several processes give what one gives, and do not run ahead of what is asked for."""

import math
import os

import pytest

from simagents.errors import InputError
from simagents.submission.parallel import ordered


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_has_its_result_in_its_place(workers):
    assert list(ordered(math.sqrt, range(30), workers)) == [math.sqrt(i) for i in range(30)]


@pytest.mark.parametrize("workers", [0, -1])
def test_somebody_must_work(workers):
    with pytest.raises(InputError, match="--workers must be at least 1"):
        list(ordered(math.sqrt, [4], workers))


def test_few_items_are_under_way():
    taken = []
    results = ordered(math.sqrt, (taken.append(i) or i for i in range(1000)), 2)
    for finished in range(1, 20):
        next(results)
        assert len(taken) <= finished + 8
    results.close()


def test_a_worker_that_dies_is_an_error():
    with pytest.raises(InputError, match="a worker process was killed"):
        list(ordered(os._exit, [3, 3], 2))


def test_an_error_of_the_task_comes_through():
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        list(ordered(math.sqrt, [1, -1], 2))
