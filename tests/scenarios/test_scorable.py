"""A scenario is called unscorable where the metric refuses it or has no number, and nowhere else."""

from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simagents.errors import InputError
from simagents.metrics import Challenge, LogReference, rollout_statistics, score
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEPS, AgentType
from simagents.scenarios.scorable import (
    NO_ACCELERATION,
    NO_EDGE,
    NO_VEHICLE,
    UNSEEN,
    told,
    undefined,
    unscorable,
)

CHALLENGE = Challenge.of(2025)


@pytest.fixture(scope="module")
def crossing(street):
    """A car and a pedestrian, both evaluated, seen after the current step where `seen` says so."""

    def of(*seen, types=(AgentType.VEHICLE, AgentType.PEDESTRIAN), **changes):
        scenario = street(start=((0.0, 0.0), (30.0, 3.0)), speed=(8.0, 1.0), types=types, **changes)
        valid = np.zeros((2, STEPS), bool)
        valid[:, CURRENT] = True
        for row, steps in enumerate(seen):
            valid[row, [CURRENT + 1 + step for step in steps]] = True
        return replace(scenario, valid=valid)

    return of


def test_reasons(crossing, street):
    always, three = range(SIMULATED), (10, 12, 14)
    walkers = (AgentType.PEDESTRIAN, AgentType.PEDESTRIAN)
    assert unscorable(crossing(three)) == ""
    assert unscorable(crossing((0,), three)) == ""
    assert unscorable(crossing(always, edges=())) == NO_EDGE
    assert unscorable(crossing(always, edges=([(0.0, 0.0, 0.0)],))) == NO_EDGE
    assert unscorable(crossing((), always)) == NO_VEHICLE
    assert unscorable(crossing(always, always, types=walkers)) == NO_VEHICLE
    assert unscorable(crossing((10, 11, 12, 13))) == NO_ACCELERATION
    late = crossing(always, always)
    late.valid[1, CURRENT] = False
    assert unscorable(late) == undefined(late) == UNSEEN


STEPS_SEEN = st.lists(st.integers(0, SIMULATED - 1), max_size=6)


@given(STEPS_SEEN, STEPS_SEEN)
@example([0, 2, 4], [])
@example([75, 77, 79], [])
@example([76, 78], [0])
@settings(max_examples=60, deadline=None)
def test_the_metric_agrees(crossing, as_rollouts, first, second):
    scenario = crossing(first, second)
    reference = LogReference.of(scenario, CHALLENGE)
    numbers = score(reference, rollout_statistics(reference, as_rollouts(scenario, 2))).numbers()
    assert isnan(numbers["metametric"]) == bool(unscorable(scenario))
    assert undefined(scenario) == ""


def test_the_metric_refuses_what_is_undefined(crossing):
    scenario = crossing((), edges=())
    with pytest.raises(InputError, match=f"scenario street {undefined(scenario)}, so the metric"):
        LogReference.of(scenario, CHALLENGE)


def test_reasons_are_counted():
    assert told([NO_EDGE, UNSEEN, NO_EDGE], 9, "scenes") == (
        f"3 of 9 scenes cannot be scored ({UNSEEN}: 1, {NO_EDGE}: 2)"
    )
